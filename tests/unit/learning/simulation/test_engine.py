import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.learning_networks import SETTINGS, small_classifier, small_experiment, stored_images
from nearlabel.learning.network.evaluate import auc_and_ap
from nearlabel.learning.network.fit import Trainer
from nearlabel.learning.simulation.engine import QUERY_COLUMNS, ROUND_COLUMNS, TRAINING, Engine
from nearlabel.learning.simulation.protocol import draw_first_batch
from nearlabel.learning.simulation.state import RunState, StateFile
from nearlabel.learning.strategies import STRATEGIES, build_strategy


def engine(folder, strategy="uncertainty", *, n=60, two_layers=False, parts=None, **changed):
    images, labels = stored_images(n)
    return Engine(
        small_experiment(labels),
        small_classifier(two_layers=two_layers),
        images,
        build_strategy(strategy),
        SETTINGS | changed,
        fold_seed=1,
        query_seed=2,
        state_file=StateFile(folder, parts or {}),
        novelty=np.random.default_rng(0).normal(size=n),
    )


def same(one, two):
    pd.testing.assert_frame_equal(one.rounds, two.rounds, check_exact=True)
    pd.testing.assert_frame_equal(one.queries, two.queries, check_exact=True)
    assert one.choices == two.choices
    assert len(one.maps) == len(two.maps) and all(map(torch.equal, one.maps, two.maps))


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_a_run_labels_the_whole_pool_once(tmp_path, name):
    made = engine(tmp_path, name, n=64)  # a pool of 40: the last batch is short
    run = made.run()
    labels, pool = made.experiment.labels, made.experiment.pool
    assert run.rounds.columns.tolist() == ROUND_COLUMNS and run.queries.columns.tolist() == QUERY_COLUMNS
    assert run.rounds["n_labelled"].tolist() == [6, 12, 18, 24, 30, 36, 40]
    assert sorted(run.queries["image_id"]) == sorted(made.experiment.image_id[pool])
    assert run.queries["round"].value_counts().sort_index().tolist() == [6, 6, 6, 6, 6, 6, 4]
    assert run.queries["score"].isna().tolist() == [True] * 6 + [False] * 34
    assert run.rounds[["val_auc", "val_ap", "test_auc", "test_ap"]].notna().all(axis=None)
    for row in run.rounds.itertuples():
        chosen = run.queries.loc[run.queries["round"] <= row.round, "image_id"]
        left = set(made.experiment.image_id[pool]) - set(chosen)
        assert row.defects_left == sum(labels[int(image[:3])] for image in left)
    assert [entry["round"] for entry in run.choices["rounds"]] == [1, 2, 3, 4, 5, 6]
    if name == "oracle":
        found = run.queries[run.queries["round"] > 0]["image_id"].map(lambda image: labels[int(image[:3])]).tolist()
        assert found == sorted(found, reverse=True)
    if name == "gradcam_avg":
        assert run.choices["maps"] == "closed form" and run.choices["map_size"] == [9, 9]
        assert {"degenerate_pool", "degenerate_labelled", "degenerate_selected"} <= set(run.choices["rounds"][0])
        assert [maps.shape for maps in run.maps] == [(6, 9, 9)] * 5 + [(4, 9, 9)]
    elif name != "balanced":
        assert run.choices["maps"] is None and run.choices["map_size"] is None and run.maps == []


def test_the_first_batch_is_the_folds_and_holds_both_classes(tmp_path):
    firsts = []
    for name in ("random", "uncertainty", "gradcam_avg"):
        run = engine(tmp_path / name, name).run()
        firsts.append(run.queries[run.queries["round"] == 0]["image_id"].tolist())
    assert firsts[0] == firsts[1] == firsts[2]
    _, labels = stored_images()
    rare = np.zeros_like(labels)
    rare[[0, 12, 30]] = 1  # one positive in the pool
    for seed in range(20):
        batch = draw_first_batch(small_experiment(rare), 4, seed)
        assert len(set(batch)) == 4 and 30 in batch


@pytest.mark.parametrize("training", TRAINING)
@pytest.mark.parametrize("two_layers", [False, True], ids=["closed form", "autograd"])
def test_a_run_killed_after_any_round_ends_with_the_same_numbers(tmp_path, monkeypatch, training, two_layers):
    options = {"training": training, "two_layers": two_layers, "strategy": "gradcam_avg"}
    whole = engine(tmp_path / "whole", **options).run()
    assert whole.choices["maps"] == ("autograd" if two_layers else "closed form")
    save = StateFile.save
    for after in (0, 2, 5):
        saved = itertools.count()

        def die(self, state, saved=saved, after=after):
            save(self, state)
            if next(saved) == after:
                raise KeyboardInterrupt

        folder = tmp_path / f"killed{after}"
        monkeypatch.setattr(StateFile, "save", die)
        with pytest.raises(KeyboardInterrupt):
            engine(folder, **options).run()
        monkeypatch.setattr(StateFile, "save", save)
        trained = []
        monkeypatch.setattr(Trainer, "train", _spy(Trainer.train, trained))
        same(engine(folder, **options).run(), whole)
        monkeypatch.undo()
        assert len(trained) == len(whole.rounds) - after - 1  # finished rounds are not trained again


def _spy(train, calls):
    def spy(self, rows, labelled, seed):
        calls.append((rows.tolist(), labelled.tolist(), seed))
        return train(self, rows, labelled, seed)

    return spy


def test_a_finished_run_costs_nothing_and_keeps_no_weights(tmp_path, monkeypatch):
    whole = engine(tmp_path).run()
    (state,) = tmp_path.glob("*.pt")
    assert StateFile(tmp_path, {}).load().model is None and state.stat().st_size < 20_000
    monkeypatch.setattr(Trainer, "train", lambda *_: pytest.fail("trained again"))
    same(engine(tmp_path).run(), whole)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a state", None])
def test_a_damaged_state_is_named_and_the_run_begins_anew(tmp_path, caplog, damage):
    whole = engine(tmp_path).run()
    (state,) = tmp_path.glob("*.pt")
    state.write_bytes(state.read_bytes()[:-200] if damage is None else damage)
    same(engine(tmp_path).run(), whole)
    assert f"state {state} is damaged" in caplog.text


def test_a_state_of_a_changed_run_is_not_found(tmp_path):
    StateFile(tmp_path, {"a": 1}).save(RunState(rounds=[{"round": 0}]))
    assert len(StateFile(tmp_path, {"a": 1}).load().rounds) == 1
    assert StateFile(tmp_path, {"a": 2}).load() == RunState()


@pytest.mark.parametrize(
    ("training", "sizes"),
    [
        ("newest_batch", [6, 6, 6, 6, 6, 6]),
        ("warm_all", [6, 12, 18, 24, 30, 36]),
        ("cold_all", [6, 12, 18, 24, 30, 36]),
    ],
)
def test_what_each_mode_trains_on(tmp_path, monkeypatch, training, sizes):
    calls, starts = [], []
    made = engine(tmp_path, "random", training=training)
    spied = _spy(Trainer.train, calls)

    def train(self, rows, labelled, seed):
        starts.append(next(self.classifier.trained.parameters()).detach().clone().numpy())
        return spied(self, rows, labelled, seed)

    monkeypatch.setattr(Trainer, "train", train)
    run = made.run()
    assert [len(rows) for rows, _, _ in calls] == sizes
    assert [len(labelled) for _, labelled, _ in calls] == run.rounds["n_labelled"].tolist()
    again = [np.array_equal(start, starts[0]) for start in starts]
    assert again == ([True] * 6 if training == "cold_all" else [True] + [False] * 5)


def test_rounds_between_are_not_evaluated(tmp_path):
    run = engine(tmp_path, "random", n=64, evaluate_every=4).run()
    assert run.rounds["test_auc"].notna().tolist() == [True, False, False, False, True, False, True]
    full = engine(tmp_path, "random", n=64, parts={"every": 1}).run()
    evaluated = run.rounds["test_auc"].notna()
    assert run.rounds[evaluated].equals(full.rounds[evaluated])  # evaluation changes nothing
    assert run.queries.equals(full.queries)


def test_learning_learns(tmp_path):
    run = engine(tmp_path, "random", n=120, training="warm_all", epochs=10, batch_size=16).run()
    assert run.rounds["test_auc"].iloc[-1] > 0.95 and run.rounds["val_auc"].iloc[-1] > 0.95


def test_auc_and_ap_rank_confident_logits():
    # Probabilities of both positives round to 1.
    logits = np.array([[0.0, 60.0], [0.0, 50.0], [0.0, 55.0], [3.0, 0.0]], np.float32)
    assert auc_and_ap(logits, np.array([1, 0, 1, 0])) == (1.0, 1.0)
    assert auc_and_ap(logits, np.array([0, 1, 0, 1]))[0] == 0.0


def test_an_ended_run_leaves_no_state_and_no_other_file_is_touched(tmp_path):
    folder = tmp_path / "gradcam_avg/fold0"
    for parts in ({"code": "old"}, {"code": "new"}):
        StateFile(folder, parts).save(RunState(rounds=[{"round": 0}]))
    (folder / ".0123.pt.host.abcd.part").write_bytes(b"half")
    (tmp_path / "gradcam_avg/fold1").mkdir()
    StateFile(folder, {"code": "new"}).remove()
    assert not folder.exists() and (tmp_path / "gradcam_avg/fold1").exists()
    StateFile(folder, {"code": "new"}).save(RunState())
    (folder / "notes.txt").write_text("mine")
    StateFile(folder, {"code": "new"}).remove()
    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
