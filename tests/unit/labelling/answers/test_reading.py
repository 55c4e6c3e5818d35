import csv
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.labelling.answers.consensus import list_disagreements, measure_agreement, merge_answers
from nearlabel.labelling.answers.reading import read_answers, read_time

IMAGES = ["a.png", "b/ä ‘x’.png", 'c"\n<script>.png', "d.png"]
LABELS = ["good", "crack", "dent"]


def write(path, rows, header=("image_id", "label", "annotator", "time", "seconds")):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def row(image, label, annotator="anna", time="2026-01-31T10:00:00Z", seconds="1.5"):
    return image, label, annotator, time, seconds


def read(tmp_path, *files):
    return read_answers([write(tmp_path / f"{i}.csv", rows) for i, rows in enumerate(files)], IMAGES, LABELS)


def test_a_later_answer_of_the_same_annotator_replaces_the_earlier(tmp_path):
    found = read(
        tmp_path,
        [row("a.png", "crack", time="2026-01-31T12:00:00+01:00")],
        [row("a.png", "good", time="2026-01-31T11:00:01Z"), row("a.png", "dent", "ben", "2026-01-30")],
    )
    table = found.table.set_index(["annotator", "label"])
    assert table["state"].to_dict() == {
        ("anna", "crack"): "replaced",
        ("anna", "good"): "current",
        ("ben", "dent"): "current",
    }
    assert table.loc[("anna", "crack"), "time"] == "2026-01-31T11:00:00.000Z"
    assert found.problems.empty


def test_what_cannot_be_used_is_listed_with_file_and_line(tmp_path):
    found = read(
        tmp_path,
        [
            row("a.png", "good"),
            row("unknown.png", "good"),
            row("d.png", "Crak"),
            row('c"\n<script>.png', "good", time="yesterday"),
            row("b/ä ‘x’.png", "unsure", seconds="long"),
        ],
    )
    problems = found.problems.set_index("line")["problem"]
    assert list(problems.index) == [3, 4, 5, 7]
    assert "no image of the data set" in problems[3]
    assert "'Crak' is not a label" in problems[4] and "did you mean 'crack'?" in problems[4]
    assert "'yesterday' is not a time" in problems[5]
    assert "used without it" in problems[7]
    assert set(found.problems["file"]) == {str(tmp_path / "0.csv")}
    assert list(found.table["image_id"]) == ["a.png", "b/ä ‘x’.png"]
    assert found.table["seconds"].isna().tolist() == [False, True]


def test_several_labels_of_one_annotator_at_one_time_count_for_nothing(tmp_path):
    found = read(tmp_path, [row("a.png", "good"), row("a.png", "crack"), row("d.png", "good", time="")])
    assert set(found.table.loc[found.table["image_id"] == "a.png", "state"]) == {"replaced"}
    assert found.problems["problem"].str.contains("several labels").sum() == 2
    assert list(merge_answers(found.table, "good")["image_id"]) == ["d.png"]


WITHDRAWING = ("image_id", "label", "annotator", "time", "seconds", "withdraws")


def test_what_was_taken_back_leaves_what_stood_before_it(tmp_path):
    page = write(tmp_path / "page.csv", [row("a.png", "crack"), row("d.png", "dent")])
    rows = [
        (*row("a.png", "good", time="2026-02-01"), ""),
        (*row("a.png", "dent", time="2026-02-02"), ""),
        (*row("b/ä ‘x’.png", "dent", time="2026-02-02"), ""),
        (*row("d.png", "good", "ben", time="2026-02-02"), ""),
        (*row("A.png", "skip", time="2026-02-03"), "2026-02-01T00:00:00Z 2026-02-02T01:00:00+01:00"),
        (*row("b/ä ‘x’.png", "skip", time="2026-02-03"), "2026-02-02T00:00:00.000Z"),
        (*row("d.png", "skip", time="2026-02-03"), "2026-02-02T00:00:00.000Z"),
    ]
    cut = [write(tmp_path / f"{place}.csv", [one], WITHDRAWING) for place, one in enumerate(rows)]
    for files in ([page, write(tmp_path / "all.csv", rows, WITHDRAWING)], [*reversed(cut), page, *cut]):
        found = read_answers(files, IMAGES, LABELS)
        current = found.table[found.table["state"] == "current"]
        assert list(zip(current["image_id"], current["annotator"], current["label"], strict=True)) == [
            ("a.png", "anna", "crack"),
            ("d.png", "anna", "dent"),
            ("d.png", "ben", "good"),
        ]
        assert found.problems.empty and len(found.table) == 9
    # Said anew afterwards, it stands.
    again = write(tmp_path / "again.csv", [row("a.png", "good", time="2026-02-04")])
    assert merge_answers(read_answers([*files, again], IMAGES, LABELS).table, "good")["label"][0] == "good"


def test_a_withdrawal_of_what_is_no_time_is_listed(tmp_path):
    rows = [(*row("a.png", "skip"), "yesterday"), (*row("a.png", "good", time="2026-02-01"), "")]
    found = read_answers([write(tmp_path / "a.csv", rows, WITHDRAWING)], IMAGES, LABELS)
    assert "yesterday' is not a time" in found.problems["problem"][0] and list(found.table["label"]) == ["good"]


def test_ids_may_be_spelt_otherwise(tmp_path):
    found = read(tmp_path, [row("B\\a\u0308 ‘x’.png", "good"), row("./A.PNG", "crack")])
    assert sorted(found.table["image_id"]) == ["a.png", "b/ä ‘x’.png"]


def test_a_file_that_is_no_table_is_an_error(tmp_path):
    (tmp_path / "cut.csv").write_bytes(b"")
    with pytest.raises(ValueError, match=r"cut\.csv"):
        read_answers([tmp_path / "cut.csv"], IMAGES, LABELS)


def test_without_files_there_are_no_answers():
    found = read_answers([], IMAGES, LABELS)
    assert found.table.empty and found.problems.empty
    assert merge_answers(found.table, "good").empty
    assert list_disagreements(found.table).empty
    assert measure_agreement(found.table) == []


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31T15:04:05Z", "2026-01-31T15:04:05.000Z"),
        ("2026-01-31 15:04:05.25", "2026-01-31T15:04:05.250Z"),
        ("2026-01-31T15:04:05+02:00", "2026-01-31T13:04:05.000Z"),
        ("", ""),
    ],
)
def test_times(text, time):
    assert read_time(text) == time


ANSWER = st.tuples(
    st.sampled_from(IMAGES),
    st.sampled_from([*LABELS, "unsure", "skip"]),
    st.sampled_from(["anna", "ben", "ça"]),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-02"]),
    st.sampled_from(["1.0", "2.0", ""]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(ANSWER, max_size=12), st.randoms(use_true_random=False))
def test_any_order_of_rows_and_files_gives_the_same(tmp_path_factory, answers, random):
    folder = tmp_path_factory.mktemp("labels")
    once = read_answers([write(folder / "all.csv", answers)], IMAGES, LABELS)
    shuffled = random.sample(answers, len(answers))
    cut = random.randint(0, len(answers))
    parts = [write(folder / "z.csv", shuffled[:cut]), write(folder / "b.csv", shuffled[cut:] + shuffled[:1])]
    again = read_answers(parts, IMAGES, LABELS)
    assert once.table.to_csv() == again.table.to_csv()
    assert merge_answers(once.table, "good").to_csv() == merge_answers(again.table, "good").to_csv()
    # Every annotator has at most one current answer to an image.
    current = once.table[once.table["state"] == "current"]
    assert not current.duplicated(["image_id", "annotator"]).any()


def labels_of(tmp_path, *votes):
    rows = [row("a.png", label, f"annotator {i}") for i, label in enumerate(votes)]
    found = read(tmp_path, rows)
    merged = merge_answers(found.table, "good").set_index("image_id")
    return tuple(merged.loc["a.png", ["label", "defective", "state"]])


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        (["good"], ("good", "0", "labelled")),
        (["crack"], ("crack", "1", "labelled")),
        (["good", "crack"], ("", "", "disputed")),
        (["good", "crack", "crack"], ("crack", "1", "labelled")),
        # That there is a defect is decided, which one is not.
        (["crack", "dent"], ("", "1", "labelled")),
        (["crack", "dent", "good"], ("", "1", "labelled")),
        (["unsure", "skip"], ("", "", "unsure")),
        (["skip"], ("", "", "skip")),
        (["good", "unsure", "skip"], ("good", "0", "labelled")),
    ],
)
def test_the_majority_decides(tmp_path, votes, label):
    for order in itertools.permutations(votes):
        assert labels_of(tmp_path, *order) == label


def test_disagreement_and_kappa(tmp_path):
    """Two annotators, 20 images, 15 alike: the example of Cohen's kappa with both saying yes half the time or so."""
    images = [f"{i}.png" for i in range(50)]
    # 20 both good, 15 both crack, 5 good/crack, 10 crack/good: kappa 0.4.
    pairs = [("good", "good")] * 20 + [("good", "crack")] * 5 + [("crack", "good")] * 10 + [("crack", "crack")] * 15
    files = [
        write(tmp_path / f"{who}.csv", [row(i, pair[k], who) for i, pair in zip(images, pairs, strict=True)])
        for k, who in enumerate(("anna", "ben"))
    ]
    found = read_answers(files, images, LABELS)
    [agreement] = measure_agreement(found.table)
    assert agreement["annotators"] == ["anna", "ben"]
    assert (agreement["images"], agreement["alike"]) == (50, 35)
    assert agreement["kappa"] == pytest.approx(0.4)
    assert len(list_disagreements(found.table)) == 30


def test_no_kappa_where_both_always_say_the_same(tmp_path):
    found = read(tmp_path, [row("a.png", "good"), row("a.png", "good", "ben")])
    [agreement] = measure_agreement(found.table)
    assert agreement["kappa"] is None and agreement["alike"] == 1
