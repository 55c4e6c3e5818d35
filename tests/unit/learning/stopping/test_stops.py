"""Where rules would have stopped a simulated run: known answers, files, and what a rule is not let see."""

import h5py
import numpy as np
import pandas as pd
import pytest

from helpers.stopping_runs import write_simulation
from nearlabel.files import write_csv
from nearlabel.learning.stopping import stops as module
from nearlabel.learning.stopping.catalogue import RULE_PARAMETERS
from nearlabel.learning.stopping.needs import asks_for_probabilities, asks_for_validation
from nearlabel.learning.stopping.replay import Stop
from nearlabel.learning.stopping.rules import RULES
from nearlabel.learning.stopping.stops import SimulatedRun, auc_at, auc_error, find_stops, first_reached, write_stops

ROUNDS = pd.DataFrame(
    {
        "round": range(5),
        "n_labelled": [10, 20, 30, 40, 50],
        "test_auc": [0.6, np.nan, 0.8, np.nan, 0.9],
        "defects_left": [6, 3, 1, 0, 0],
    }
)
LABELS = np.array([1] * 10 + [0] * 40)


def asked(name, id=None, **parameters):
    defaults = {key: parameter.default for key, parameter in RULE_PARAMETERS[name].items()}
    return {"id": id or name, "name": name, "parameters": defaults | parameters}


def stops_of(monkeypatch, stop, rule):
    """What is made of a rule's stop."""
    monkeypatch.setattr(module, "follow", lambda *_, **__: stop)
    run = SimulatedRun(ROUNDS, np.arange(50), LABELS, None, [None] * 5)
    [row] = find_stops(run, [rule], full_pool_auc=0.95, batch_size=10, seed=0).to_dict("records")
    return row


def test_needs_are_those_of_the_classes():
    assert set(RULES) == set(RULE_PARAMETERS)
    for name, rule in RULES.items():
        assert asks_for_probabilities(name) == ("probabilities" in rule.needs), name
        assert asks_for_validation(name) == ("validation" in rule.needs), name


def test_a_stop_in_numbers(monkeypatch):
    # 28 of the strategy and 15 of an audit: the model has seen 28, and was last evaluated with 10.
    row = stops_of(monkeypatch, Stop(43, 0.9, True, 15, "", {}), asked("certify", recall=0.9))
    assert row | {"auc_lost": 0, "overshoot": 0} == {
        "rule": "certify",
        "n_labelled": 43,
        "audited": 15,
        "recall": 0.9,
        "certified": True,
        "test_auc": 0.6,
        "full_pool_auc": 0.95,
        "auc_lost": 0,
        "overshoot": 0,
    }
    assert row["auc_lost"] == pytest.approx(0.35)
    # .9 is truly reached with 30 images.
    assert row["overshoot"] == pytest.approx(13 / 50)


def test_a_rule_that_stops_too_early_has_overshoot_below_0(monkeypatch):
    row = stops_of(monkeypatch, Stop(20, 0.7, False, 0, "", {}), asked("hypergeometric", recall=0.95))
    assert row["overshoot"] == pytest.approx((20 - 40) / 50) and row["test_auc"] == 0.6 and not row["certified"]


def test_without_target_there_is_no_overshoot(monkeypatch):
    row = stops_of(monkeypatch, Stop(30, 0.9, False, 0, "", {}), asked("budget"))
    assert np.isnan(row["overshoot"]) and row["test_auc"] == 0.8


def test_a_rule_that_never_stops_has_the_bound_alone(monkeypatch):
    row = stops_of(monkeypatch, None, asked("certify"))
    assert row.pop("rule") == "certify" and row.pop("full_pool_auc") == 0.95
    assert all(pd.isna(value) for value in row.values())


@pytest.mark.parametrize(("recall", "images"), [(0.4, 10), (0.41, 20), (0.7, 20), (0.9, 30), (0.95, 40), (1, 40)])
def test_where_a_recall_is_reached(recall, images):
    assert first_reached(ROUNDS, 10, recall) == images


def test_auc_of_the_round_last_evaluated():
    assert [auc_at(ROUNDS, count) for count in (10, 29, 30, 49, 50)] == [0.6, 0.6, 0.8, 0.8, 0.9]
    assert np.isnan(auc_at(ROUNDS, 9))


def test_the_error_of_an_auc():
    # Hanley and McNeil 1982, their example: 51 abnormal, 58 normal, AUC .893: .032 or .033, by scores or by formula.
    assert auc_error(0.893, 51, 58) == pytest.approx(0.0325, abs=1e-4)
    assert auc_error(1.0, 5, 7) == 0
    # Exponential scores, which the formula is exact for.
    rng = np.random.default_rng(0)
    ranked = rng.exponential(4, (4000, 20, 1)) > rng.exponential(1, (4000, 1, 60))
    assert auc_error(0.8, 20, 60) == pytest.approx(ranked.mean(axis=(1, 2)).std(), rel=0.05)


def write(folder, files, rules, **changed):
    settings = {"fold": 0, "positive": "1", "drawn": "uniform", "batch_size": 8, "seed": 3} | changed
    write_stops(folder / "stops.csv", **files, rules=rules, **settings)
    return pd.read_csv(folder / "stops.csv")


def write_probabilities(path, pool, defective, n_labelled, order=slice(None)):
    rng = np.random.default_rng(0)
    values = np.clip(defective * 0.8 + rng.random((len(n_labelled), len(pool))) * 0.2, 0, 1).astype(np.float32)
    with h5py.File(path, "w") as file:
        file["probabilities"], file["n_labelled"] = values[:, order], n_labelled
        file.create_dataset("image_id", data=list(pool[order]), dtype=h5py.string_dtype())
    return values


def test_every_rule_on_files(tmp_path):
    files, frame, pool, _, defective = write_simulation(tmp_path, n=600, rare=10)
    write_probabilities(tmp_path / "p.h5", pool, defective, frame["n_labelled"])
    found = write(tmp_path, files | {"probabilities": tmp_path / "p.h5"}, [asked(name) for name in RULES])
    assert found["rule"].tolist() == list(RULES)
    assert found["full_pool_auc"].eq(0.95).all()
    stopped = found.dropna(subset="n_labelled").set_index("rule")
    assert len(stopped) >= 6
    assert stopped["n_labelled"].between(8, 200).all() and stopped["recall"].between(0, 1).all()
    assert (stopped["auc_lost"] - (0.95 - stopped["test_auc"])).abs().max() < 1e-12
    certified = {name for name in stopped.index[stopped["certified"].astype(bool)]}
    assert certified <= {name for name, rule in RULES.items() if rule.guarantees}
    # Rounds as the run had them: where no audit came between, a rule stops at a round's end.
    unaudited = stopped[stopped["audited"] == 0]
    assert set(unaudited["n_labelled"]) <= set(frame["n_labelled"])
    recall = dict(zip(frame["n_labelled"], 1 - frame["defects_left"] / defective.sum(), strict=True))
    assert unaudited["recall"].tolist() == pytest.approx([recall[count] for count in unaudited["n_labelled"]])


def test_rules_do_not_depend_on_each_other(tmp_path):
    files, frame, pool, _, defective = write_simulation(tmp_path)
    write_probabilities(tmp_path / "p.h5", pool, defective, frame["n_labelled"])
    all_of_them = write(tmp_path, files | {"probabilities": tmp_path / "p.h5"}, [asked(name) for name in RULES])
    for name in RULES:
        if not asks_for_probabilities(name):
            alone = write(tmp_path, files, [asked(name)])
            both = all_of_them[all_of_them["rule"] == name].reset_index(drop=True)
            pd.testing.assert_frame_equal(alone, both, check_dtype=False)
    same = write(tmp_path, files, [asked("certify"), asked("certify", id="again")])
    assert same["rule"].tolist() == ["certify", "again"]


def test_probabilities_are_found_by_name(tmp_path, monkeypatch):
    files, frame, pool, order, defective = write_simulation(tmp_path)
    shuffled = np.random.default_rng(1).permutation(len(pool))
    values = write_probabilities(tmp_path / "p.h5", pool, defective, frame["n_labelled"], shuffled)
    given = []
    monkeypatch.setattr(module, "follow", lambda rule, *arguments, **more: given.append((arguments, more)))
    write(tmp_path, files | {"probabilities": tmp_path / "p.h5"}, [asked("quant")])
    [((rows, labels), more)] = given
    assert np.array_equal(more["probabilities"], values) and np.array_equal(labels, defective)
    assert pool[rows].tolist() == order.tolist()


def test_validations_are_of_the_fold_and_say_how_it_was_drawn(tmp_path, monkeypatch):
    files, frame, *_ = write_simulation(tmp_path)
    write_csv(files["rounds"], frame.assign(val_auc=frame["val_auc"].where(frame["round"] != 1)))
    given = []
    monkeypatch.setattr(module, "follow", lambda rule, *_, validations, **__: given.append(validations))
    write(tmp_path, files, [asked("auc_plateau")], drawn="stratified")
    [validations] = given
    assert [found is None for found in validations] == [False, True, False, False, False]
    first = validations[0]
    assert (first.auc, first.images, first.drawn) == (0.6, 40, "stratified")
    assert first.error == auc_error(0.6, 10, 30)


def test_a_stratified_validation_set_is_refused(tmp_path):
    files, *_ = write_simulation(tmp_path)
    with pytest.raises(ValueError, match="stratified"):
        write(tmp_path, files, [asked("auc_plateau")], drawn="stratified")


def test_files_of_other_runs_are_named(tmp_path):
    files, frame, pool, _, defective = write_simulation(tmp_path)
    with pytest.raises(ValueError, match=r"queries\.csv does not label the pool of .*folds\.csv once"):
        write(tmp_path, files, [asked("budget")], fold=1)
    more = files | {"probabilities": tmp_path / "p.h5"}
    write_probabilities(tmp_path / "p.h5", pool, defective, frame["n_labelled"][:-1])
    with pytest.raises(ValueError, match=r"p\.h5 is not of the rounds of .*rounds\.csv"):
        write(tmp_path, more, [asked("quant")])
    write_probabilities(tmp_path / "p.h5", pool[1:], defective[1:], frame["n_labelled"])
    with pytest.raises(ValueError, match=r"p\.h5 is not of the pool of .*folds\.csv"):
        write(tmp_path, more, [asked("quant")])


def test_audits_follow_the_seed(tmp_path):
    files, *_ = write_simulation(tmp_path, n=450, rare=8, sharp=0.45)
    certify = [asked("certify", recall=0.7, quiet=1)]
    first, again = (write(tmp_path, files, certify) for _ in range(2))
    assert first.equals(again) and first.loc[0, "audited"] > 0
    assert len({write(tmp_path, files, certify, seed=seed).loc[0, "recall"] for seed in range(6)}) > 1
