import dataclasses

import numpy as np
import pandas as pd
import pytest

from helpers.learning_runs import STRAIGHT, make_rounds, make_runs, train, write_runs
from nearlabel.learning.statistics import PAIR_COLUMNS
from nearlabel.report.catalogue import LEARNING_TABLES
from nearlabel.report.learning.collect import collect_learning
from nearlabel.report.learning.frames import knee_table, mean_and_std, table1, table2, table3
from nearlabel.report.learning.published import published_table, published_value
from nearlabel.report.learning.shapes import format_spread, shape_statistics, shape_table2
from nearlabel.report.learning.statistics import comparison_table, count_degenerate, statistics_table, win_table
from nearlabel.report.learning.tables import make_learning_tables, write_learning_tables

NAN = np.nan
VAL = [0.5, 0.6, 0.8, 0.7, 0.75, 0.8, 0.9, 0.85, 0.9, 0.6]
# Best on validation at the seventh round, on test at the eighth; the knee at the fifth.
TEST = [0.5, 0.7, 0.6, 0.9, 0.65, 0.7, 0.8, 0.95, 0.7, 0.6]
MAPS = {
    "maps": "closed form",
    "map_size": [7, 7],
    "rounds": [{"round": r, "degenerate_selected": 2} for r in (1, 2, 3)],
}
NAMES = {"random": "random", "avg14": "gradcam_avg", "$own_": "badge"}


@pytest.fixture
def runs():
    """Two strategies on three folds; a straight curve has no knee."""
    bent = [make_rounds(np.add(TEST, shift), VAL) for shift in (-0.1, 0)]
    rounds = {
        "random": [make_rounds(np.add(TEST, shift), VAL, STRAIGHT) for shift in (-0.2, -0.1, 0)],
        "avg14": [*bent, make_rounds(np.add(TEST, 0.02), VAL, STRAIGHT)],
    }
    return make_runs(rounds, choices={"avg14": MAPS}, full_pool={f: train(a) for f, a in enumerate((0.8, 0.9, 1.0))})


def row(table, **keys):
    for column, value in keys.items():
        table = table[table[column] == value]
    [found] = table.to_dict("records")
    return found


def test_mean_and_sample_std_over_the_folds_that_have_a_value():
    assert mean_and_std([1, None, 2, NAN, 3]) == (3, 2.0, 1.0)
    count, mean, std = mean_and_std([0.5])
    assert (count, mean) == (1, 0.5)
    assert np.isnan(std)
    assert np.isnan(mean_and_std([None])[1])
    assert [format_spread(*pair) for pair in [(0.89674, 0.01331), (0.5, NAN), (NAN, NAN)]] == [
        "0.8967 ± 0.0133", "0.5000 ± –", "–",
    ]  # fmt: skip


def test_table1_reports_on_test_what_validation_chose(runs):
    table = table1([runs], {}, {})
    found = row(table, learning="incremental", strategy="random")
    assert (found["folds"], found["folds_with"]) == (3, 3)
    assert (found["mean"], found["std"]) == (pytest.approx(0.7), pytest.approx(0.1))
    assert row(table, learning="batch", strategy="avg14")["mean"] == pytest.approx(0.7)
    bound = row(table, learning="full_pool")
    assert (bound["strategy"], bound["mean"], bound["std"]) == ("", pytest.approx(0.9), pytest.approx(0.1))
    precision = table1([runs], {"tiles": "kolektor_sdd2"}, NAMES, "test_ap")
    assert row(precision, learning="incremental", strategy="random")["mean"] == pytest.approx(0.6)
    assert precision["published_mean"].isna().all()


def test_table2_counts_folds_without_a_knee(runs):
    table = table2([runs], {}, {})
    assert row(table, cutoff="best", strategy="random")["mean"] == 70
    knee = row(table, cutoff="knee", strategy="avg14")
    assert (knee["folds"], knee["folds_with"], knee["mean"], knee["std"]) == (3, 2, 50, 0)
    none = row(table, cutoff="knee", strategy="random")
    assert none["folds_with"] == 0
    assert np.isnan(none["mean"])
    shown = shape_table2(table)
    assert shown["random"].tolist() == ["70 ± 0", "– (0 of 3 folds)", "– (0 of 3 folds)"]
    assert shown["avg14"].tolist() == ["70 ± 0", "50 ± 0 (2 of 3 folds)", "30 ± 0 (2 of 3 folds)"]


def test_table3_says_what_choosing_on_test_would_have_claimed(runs):
    table = table3([runs], {}, {})
    best = row(table, cutoff="best", strategy="random")
    assert (best["mean"], best["chosen_on_test_mean"]) == (pytest.approx(0.7), pytest.approx(0.85))
    until = row(table, cutoff="best_until_knee", strategy="avg14")
    assert (until["mean"], until["chosen_on_test_mean"]) == (pytest.approx(0.55), pytest.approx(0.85))
    known = table[table["mean"].notna()]
    assert (known["chosen_on_test_mean"] >= known["mean"]).all()
    assert known["batch_mean"].tolist() == pytest.approx([0.7] * len(known))
    knee = row(table, cutoff="knee", strategy="avg14")
    assert knee["mean"] == knee["chosen_on_test_mean"] == pytest.approx(0.6)


def test_choosing_on_test_keeps_to_the_knee_that_the_run_found():
    rounds = make_rounds(TEST, VAL)
    runs = make_runs({"a": [rounds] * 3})
    # As with other options of the knee: it lies at the second round.
    early = {"round": 1, "n_labelled": 20, "val_auc": 0.6, "test_auc": 0.7}
    knees = {"a": {fold: {"best": early, "knee": early, "best_until_knee": early} for fold in range(3)}}
    found = row(table3([dataclasses.replace(runs, knees=knees)], {}, {}), cutoff="best_until_knee")
    assert found["chosen_on_test_mean"] == pytest.approx(0.7)


def test_a_knee_at_a_round_that_was_not_evaluated_has_images_but_no_score():
    test = [0.5, NAN, 0.6, NAN, NAN, NAN, 0.8, NAN, NAN, 0.7]
    runs = make_runs({"a": [make_rounds(test)] * 3})
    assert row(table2([runs], {}, {}), cutoff="knee")["mean"] == 50
    knee = row(table3([runs], {}, {}), cutoff="knee")
    assert knee["folds_with"] == 0
    assert np.isnan(knee["mean"])
    assert knee["batch_mean"] == pytest.approx(0.7)
    curve = row(statistics_table([runs]), measure="aubc")["mean"]
    assert curve == pytest.approx((0.55 * 20 + 0.7 * 40 + 0.75 * 30) / 90)


def test_knee_table_is_section_6_2(runs):
    table = knee_table([runs])
    found = row(table, strategy="avg14")
    assert (found["folds"], found["folds_with_knee"], found["best_before_knee"]) == (3, 2, 0)
    assert np.isnan(row(table, strategy="random")["slope_before"])


def test_statistics_by_hand():
    flat = [make_rounds([value] * 4) for value in (0.6, 0.8)]
    rising = [make_rounds([0.5, 0.96, 0.9, 1.0]), make_rounds([0.5, 0.6, 0.7, 0.8])]
    table = statistics_table([make_runs({"flat": flat, "rising": rising}, choices={"rising": MAPS})])
    assert row(table, strategy="flat", measure="aubc")["mean"] == pytest.approx(0.7)
    assert row(table, strategy="flat", measure="aubc")["std"] == pytest.approx(0.2 / np.sqrt(2))
    assert row(table, strategy="flat", measure="aubc_ap")["mean"] == pytest.approx(0.6)
    reached = row(table, strategy="rising", measure="images_to_95")
    assert (reached["folds"], reached["folds_with"], reached["mean"]) == (2, 1, 20)
    assert row(table, strategy="flat", measure="images_to_95")["folds_with"] == 0
    assert row(table, strategy="rising", measure="degenerate_share")["mean"] == pytest.approx(0.2)
    assert table[(table["strategy"] == "flat") & (table["measure"] == "degenerate_share")].empty
    shown = shape_statistics(table).set_index("Measure")
    assert shown.loc["Images to 95 % of the full-pool AUC"].tolist()[1:] == [
        "– (0 of 2 folds)",
        "20 ± – (1 of 2 folds)",
    ]
    assert shown.loc["Degenerate maps, share of the images selected"].tolist()[1:] == ["–", "0.2000 ± 0.0000"]


def test_degenerate_maps_of_a_wrapped_strategy_are_counted_in_its_classes():
    each = [
        {
            "round": 1,
            "class 0": {"selected": 4, "degenerate_selected": 1},
            "class 1": {"selected": 6, "degenerate_selected": 3},
        },
        {"round": 2, "class 1": {"selected": 10, "degenerate_selected": 0, "degenerate_pool": 9}},
        {"round": 3, "class 0": {"selected": 10}},
        {"round": 99, "class 0": {"selected": 5, "degenerate_selected": 5}},
    ]
    runs = make_runs({"balanced": [make_rounds(TEST)]}, choices={"balanced": MAPS | {"rounds": each}})
    assert count_degenerate(runs, "balanced", 0) == (4, 20)


def test_degenerate_maps_are_counted_of_the_images_selected(runs):
    assert count_degenerate(runs, "avg14", 0) == (6, 30)
    assert count_degenerate(runs, "random", 0) == (0, 0)


def test_comparisons_and_wins_over_data_sets():
    def at(level, name):
        rounds = {"good": [0.9, 0.91, 0.92], "bad": [0.5, 0.5 + level, 0.51]}
        return make_runs({s: [make_rounds([v] * 4) for v in values] for s, values in rounds.items()}, name=name)

    comparisons = comparison_table([at(0, "tiles"), at(0.4, "steel")])
    assert list(comparisons) == ["dataset", "measure", *PAIR_COLUMNS]
    assert comparisons[["dataset", "measure"]].to_numpy().tolist() == [
        ["tiles", "aubc"], ["tiles", "test_auc_at_best"], ["steel", "aubc"], ["steel", "test_auc_at_best"],
    ]  # fmt: skip
    assert comparisons["mean_difference"][0] == pytest.approx(0.91 - 1.51 / 3)
    wins = win_table(comparisons, ["bad", "good"])
    assert row(wins, measure="aubc", winner="good")["wins"] == 1
    assert row(wins, measure="aubc", winner="bad")["wins"] == 0
    assert set(wins["datasets"]) == {2}


@pytest.mark.parametrize("strategies", [("a",), ("a", "b")])
def test_one_fold_or_one_strategy_is_not_compared_and_has_no_spread(strategies, tmp_path):
    runs = make_runs({name: [make_rounds(TEST, VAL)] * (1 if len(strategies) > 1 else 3) for name in strategies})
    tables = make_learning_tables([runs], {}, {})
    assert tables["comparisons"].frame.empty
    assert list(tables["comparisons"].frame) == ["dataset", "measure", *PAIR_COLUMNS]
    assert tables["wins"].frame.empty
    if runs.folds == 1:
        assert tables["table1"].shown["a"].tolist() == ["0.8000 ± –", "0.7000 ± –"]
    write_learning_tables([runs], {}, {}, tmp_path)


def test_a_strategy_without_area_is_not_compared():
    runs = make_runs({"a": [make_rounds([0.5])] * 3, "b": [make_rounds([0.6])] * 3})
    assert comparison_table([runs])["measure"].tolist() == ["test_auc_at_best"]


def test_published_values_stand_below_ours_on_the_papers_data_only(runs):
    tables = make_learning_tables([runs], {"tiles": "kolektor_sdd2"}, NAMES)
    assert row(tables["table1"].frame, learning="incremental", strategy="avg14")["published_mean"] == 0.8502
    shown = tables["table1"].shown
    assert shown["Learning"].tolist() == ["Incremental", "Incremental, published", "Batch", "Batch, published"]
    assert shown["random"][1] == "0.8967 ± 0.0133"
    assert shown["Full pool"].tolist() == ["0.9000 ± 0.1000", "–"] * 2
    assert tables["table2"].shown["avg14"][1] == "672 ± 288"
    assert any("1502 is probably 1504" in note for note in tables["table2"].notes)
    assert "Best, if chosen on test" in tables["table3"].shown["Cut-off"].tolist()
    assert "Knee, if chosen on test" not in tables["table3"].shown["Cut-off"].tolist()
    other = make_learning_tables([runs], {"tiles": "magnetic_tile"}, NAMES)
    assert not any("published" in text for text in other["table1"].shown["Learning"])
    assert other["table2"].notes == []


def test_published_constants():
    table = published_table()
    assert len(table) == 2 * 3 * (2 + 3 + 3)
    counts = table[table["table"] == "table2"]
    assert (counts.loc[counts["mean"] != 1502, "mean"] % 32 == 0).all()
    repeated = table[(table["table"] == "table3") & (table["row"] == "best") & (table["dataset"] != "Kolektor SDD2")]
    kolektor = table[(table["table"] == "table1") & (table["row"] == "batch") & (table["dataset"] == "Kolektor SDD2")]
    assert repeated["mean"].tolist() == kolektor["mean"].tolist()
    assert repeated["note"].str.contains("Kolektor SDD2, batch").all()
    assert published_value("table1", "kolektor_sdd2", "batch", "badge") == (None, None, "")


def test_every_table_has_its_three_files_with_the_same_bytes_twice(runs, tmp_path):
    for folder in ("one", "two"):
        write_learning_tables([runs], {"tiles": "kolektor_sdd2"}, NAMES, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == sorted(f"{stem}.{suffix}" for stem in LEARNING_TABLES for suffix in ("csv", "md", "tex"))
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    read = pd.read_csv(tmp_path / "one/table1.csv", keep_default_na=False, na_values=[""])
    assert read["mean"].tolist() == table1([runs], {}, {})["mean"].tolist()
    markdown = (tmp_path / "one/table2.md").read_text(encoding="utf-8")
    assert "| tiles | Best, published | 1502 ± 416 | 672 ± 288 |" in markdown
    assert "Note: 1502 is probably 1504" in markdown.splitlines()[0]


def test_files_read_are_what_was_written(runs, tmp_path):
    write_runs(tmp_path, runs)
    read = collect_learning(tmp_path, "tiles", runs.strategies, 3, positive="bad")
    assert (read.images, read.duplicates, read.defects, read.n_test, read.n_pool) == (12, 6, 6, 4, 4)
    for field in ("knees", "batches", "choices", "full_pool"):
        assert getattr(read, field) == getattr(runs, field)
    for strategy in runs.strategies:
        for fold in range(3):
            pd.testing.assert_frame_equal(read.rounds[strategy][fold], runs.rounds[strategy][fold])
    assert collect_learning(tmp_path, "tiles", ["random"], 3).defects is None


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("random/fold1/rounds.csv", "round,n_labelled\n", "rounds.csv: no column 'val_auc'"),
        ("random/fold1/rounds.csv", None, "rounds.csv: no such file"),
        ("avg14/fold0/knees.json", "{", "knees.json: is not JSON"),
        ("avg14/fold0/knees.json", '{"best": null, "knee": null}', "has no 'best_until_knee'"),
        ("avg14/fold2/batch_best.json", "[]", "batch_best.json: holds list where a mapping should be"),
        ("avg14/fold2/choices.json", '{"maps": null, "map_size": null, "rounds": [{}]}', "has no 'round'"),
        ("full_pool/fold0.json", "null", "fold0.json: holds NoneType"),
        ("folds.csv", "image_id,fold,duplicate_of\na,0,\n", "folds.csv: holds other folds than 0 to 2"),
    ],
)
def test_a_missing_or_damaged_file_is_named(runs, tmp_path, file, content, message):
    write_runs(tmp_path, runs)
    path = tmp_path / "tiles/learning" / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        collect_learning(tmp_path, "tiles", runs.strategies, 3)


def test_cells_that_are_no_numbers_and_knees_of_another_run(runs, tmp_path):
    write_runs(tmp_path, runs)
    path = tmp_path / "tiles/learning/random/fold0/rounds.csv"
    text = path.read_text()
    path.write_text(text.replace("0.5,", "x,", 1))
    with pytest.raises(ValueError, match=r"rounds\.csv: a cell is not the number"):
        collect_learning(tmp_path, "tiles", runs.strategies, 3)
    path.write_text("\n".join(text.splitlines()[:4]))
    with pytest.raises(ValueError, match=r"knees\.json: best is round 6 with 70 images, which rounds\.csv"):
        collect_learning(tmp_path, "tiles", runs.strategies, 3)
