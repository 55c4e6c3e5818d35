"""The table and the figure of stopping rules, from files."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.stopping_runs import CERTIFIED, KNEE, MISSED, NEVER, RULES, WITHOUT_TARGET, make_stops, write_run
from nearlabel.files import write_csv
from nearlabel.report.learning.stopping import figure as stopping_figure
from nearlabel.report.learning.stopping.figure import plot_stopping
from nearlabel.report.learning.stopping.stops import collect_stops, compared_rules, hold_to_targets, pareto_front
from nearlabel.report.learning.stopping.table import (
    STOPPING_COLUMNS,
    guarantee_sentence,
    stopping_frame,
    stopping_table,
    write_stopping_table,
)
from nearlabel.run_files import STOPS, below

IDS = [rule["id"] for rule in RULES]
DESCRIBED = compared_rules(RULES)


@pytest.fixture
def run(tmp_path):
    write_run(tmp_path)
    return tmp_path


def collect(run, strategies=("random", "own")):
    return collect_stops(run, "tiles", strategies, 3, IDS)


def test_rules_are_described_by_their_classes():
    assert [rule.target for rule in DESCRIBED.values()] == [0.9, 0.9, None, None]
    assert [rule.guarantees for rule in DESCRIBED.values()] == [True, False, False, False]
    assert [rule.hindsight for rule in DESCRIBED.values()] == [False, False, False, True]
    assert all(rule.assumes.endswith(".") for rule in DESCRIBED.values())
    assert guarantee_sentence(DESCRIBED.values()) == (
        "Only certify (recall 0.9) guarantees the target recall, whatever the strategy; all others are heuristics."
    )
    assert guarantee_sentence([DESCRIBED["budget"]]) == "None guarantees anything: all are heuristics."
    twice = compared_rules([RULES[0], RULES[0] | {"id": "again"}])
    assert guarantee_sentence(twice.values()) == (
        "Only certify (recall 0.9) and again (recall 0.9) guarantee the target recall, whatever the strategy."
    )


def test_stops_come_back_from_files_as_they_were(run):
    stops = collect(run)
    assert stops.columns[:3].tolist() == ["dataset", "strategy", "fold"]
    own = stops[(stops["strategy"] == "own") & (stops["fold"] == 0)].drop(columns=["dataset", "strategy", "fold"])
    pd.testing.assert_frame_equal(
        own.reset_index(drop=True), make_stops(CERTIFIED, MISSED, WITHOUT_TARGET, KNEE), check_exact=True
    )
    never = stops[(stops["rule"] == "certify") & (stops["fold"] == 1)]
    assert never["n_labelled"].isna().all() and never["certified"].isna().all() and (never["full_pool_auc"] == 1).all()


def test_wrong_files_are_named(run):
    with pytest.raises(ValueError, match=r"stops\.csv: holds other rules than certify; make it again"):
        collect_stops(run, "tiles", ["random"], 3, ["certify"])
    file = below(run, STOPS, dataset="tiles", strategy="own", fold=1)
    file.write_text(file.read_text().replace("True", "maybe").replace("40", "many"))
    with pytest.raises(ValueError, match=r"own/fold1/stops\.csv: a cell is not what it should be"):
        collect(run)
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"own/fold1/stops\.csv"):
        collect(run)


def test_means_are_over_the_folds_that_stopped(run):
    frame = stopping_frame(collect(run), DESCRIBED).set_index(["strategy", "rule"])
    assert len(frame) == 8
    certify, early = frame.loc["own", "certify"], frame.loc["own", "early"]
    assert (certify["folds"], certify["folds_stopped"], certify["missed"], certify["certified"]) == (3, 2, 0, 1)
    assert certify["n_labelled_mean"] == 40 and certify["n_labelled_std"] == 0 and certify["target"] == 0.9
    assert early["folds_stopped"] == 3 and early["missed"] == pytest.approx(1 / 3)
    assert early["n_labelled_mean"] == pytest.approx(100 / 3)
    assert early["n_labelled_std"] == pytest.approx(np.std([20, 40, 40], ddof=1))
    assert early["overshoot_mean"] == pytest.approx(0.2 / 3)
    budget = frame.loc["own", "budget"]
    assert np.isnan(budget["missed"]) and np.isnan(budget["target"]) and np.isnan(budget["overshoot_mean"])
    assert budget["assumes"] == DESCRIBED["budget"].assumes


def test_a_rule_that_never_stops_has_a_row():
    stops = make_stops(NEVER, NEVER, NEVER, NEVER).assign(dataset="a", strategy="b", fold=0)
    table = stopping_table(stops, DESCRIBED)
    assert table.shown["Stopped"].tolist() == ["0 of 1"] * 4
    assert table.shown["Images labelled"].tolist() == ["–"] * 4
    assert table.shown["Missed"].tolist() == ["0 of 1", "0 of 1", "–", "–"]


def test_the_table_is_written_in_three_forms(run, tmp_path):
    write_stopping_table([collect(run)], DESCRIBED, tmp_path / "tables/stopping")
    written = pd.read_csv(tmp_path / "tables/stopping.csv")
    assert written.columns.tolist() == STOPPING_COLUMNS and len(written) == 8
    text = (tmp_path / "tables/stopping.md").read_text(encoding="utf-8")
    assert "33 ± 12" in text and "1 of 3" in text and "all others are heuristics" in text
    assert DESCRIBED["certify"].assumes in text
    assert r"33 ± 12" in (tmp_path / "tables/stopping.tex").read_text(encoding="utf-8")


def test_stops_are_held_to_the_targets(run):
    held = hold_to_targets(collect(run, ["own"]), run, "tiles", DESCRIBED, "1").set_index(["rule", "fold"])
    # .9 is reached with 30 of 50 images, the .95 that rules without target are held to with 40.
    certify, never = held.loc[("certify", 0)], held.loc[("certify", 1)]
    assert (certify["labelled"], certify["missed"]) == (0.8, 0) and certify["wasted"] == pytest.approx(0.2)
    assert (never["labelled"], never["missed"]) == (1, 0) and never["wasted"] == pytest.approx(0.4)
    assert held.loc[("early", 0), "missed"] == pytest.approx(-0.2) and held.loc[("early", 0), "wasted"] == 0
    assert held.loc[("budget", 0), "missed"] == pytest.approx(-0.05)
    assert held.loc[("knee", 2), "missed"] == pytest.approx(-0.25)


def test_front_of_known_points():
    costs = [(0, 3), (1, 1), (2, 2), (3, 0), (1, 1), (0, 4)]
    assert pareto_front(costs).tolist() == [True, True, False, True, True, False]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_front_is_what_nobody_beats(costs):
    def beats(a, b):
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    assert pareto_front(costs).tolist() == [not any(beats(other, own) for other in costs) for own in costs]


def test_a_panel_for_each_strategy_and_a_row_for_each_rule(run, monkeypatch):
    figures = []
    monkeypatch.setattr(stopping_figure, "save_figure", lambda figure, stem: figures.append(figure))
    held = hold_to_targets(collect(run), run, "tiles", DESCRIBED, "1")
    plot_stopping(held, DESCRIBED, "stem")
    [figure] = figures
    assert [axis.get_title() for axis in figure.axes] == ["random", "own"]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == IDS
    for axis in figure.axes:
        # Counts of missed folds: early once, the rules without target always.
        assert [text.get_text() for text in axis.texts] == ["1 of 3", "3 of 3", "3 of 3"]
        rings = [line for line in axis.lines if line.get_markersize() == 10]
        # Certify misses never, early labels less, budget least of all that do not know the labels.
        assert [ring.get_ydata()[0] for ring in rings] == [0, 1, 2]
        low, high = axis.get_xlim()
        for line in axis.lines:
            assert all(low <= x <= high for x in line.get_xdata())


@pytest.mark.parametrize("strategies", [1, 5, 11])
def test_the_same_bytes_and_names_as_they_are(tmp_path, strategies):
    names = [f"$_{number}" for number in range(strategies)]
    write_run(tmp_path / "run", names)
    held = hold_to_targets(collect(tmp_path / "run", names), tmp_path / "run", "tiles", DESCRIBED, "1")
    for stem in ("one", "two"):
        plot_stopping(held, DESCRIBED, tmp_path / stem)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").stat().st_size > 5000


def test_only_rules_that_never_stop_can_be_drawn(tmp_path):
    write_run(tmp_path, ["own"], folds=3)
    for fold in range(3):
        file = below(tmp_path, STOPS, dataset="tiles", strategy="own", fold=fold)
        write_csv(file, make_stops(NEVER, NEVER, NEVER, NEVER))
    held = hold_to_targets(collect(tmp_path, ["own"]), tmp_path, "tiles", DESCRIBED, "1")
    assert held["labelled"].eq(1).all() and held["missed"].eq(0).all()
    plot_stopping(held, DESCRIBED, tmp_path / "figure")
    assert (tmp_path / "figure.svg").exists()
