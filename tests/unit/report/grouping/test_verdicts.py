import numpy as np
import pandas as pd
import pytest

from nearlabel.report.grouping.verdicts import describe_columns, describe_verdict


def verdict(ami, p_value, candidates=1, labelled=100):
    null = {"null_mean": 0.0, "null_high": 0.012} if ami is not None else {"null_mean": None, "null_high": None}
    own = {"ami": ami, "p_value": p_value, "candidates": candidates, "permutations": 200, "labelled": labelled}
    return own | null


def evidence(*q_values):
    return pd.DataFrame({"cluster": range(len(q_values)), "q_value": q_values})


NOTHING, SOMETHING = evidence(0.4, 0.9), evidence(4e-11, 0.9, 0.01)


@pytest.mark.parametrize(
    ("ami", "words"),
    [
        (0.05, "The groups know something of the near-labels, but little"),
        (0.2, "The groups know something of the near-labels"),
        (0.5, "The groups follow the near-labels in part"),
        (0.8, "The groups follow the near-labels closely"),
        (0.95, "The groups are the near-labels, almost one for one"),
        (1.0, "The groups are the near-labels, almost one for one"),
    ],
)
def test_strength_in_words_with_its_number(ami, words):
    said = describe_verdict(verdict(ami, 1 / 201), "min_max", SOMETHING)
    assert (said["state"], said["warns"], said["headline"]) == ("better", False, words)
    assert said["text"] == (
        f"Adjusted mutual information {ami:.3f} (0 is chance, 1 the same grouping), p = 0.005: in none of 200 random "
        "shuffles of the near-labels it was as large; 95 % of them stayed below 0.012."
    )
    assert said["short"] == f"yes: AMI {ami:.2f}, p = 0.005"


def test_no_better_than_chance_warns():
    said = describe_verdict(verdict(-0.0004, 107 / 201), "silhouette", NOTHING)
    assert (said["state"], said["warns"]) == ("no_better", True)
    assert said["headline"].startswith("No better than chance: there is no evidence")
    assert "information 0.000 (" in said["text"] and "in 106 of 200 random shuffles" in said["text"]
    assert said["short"] == "no: AMI 0.00, p = 0.532"


def test_the_verdict_never_denies_what_the_table_below_shows():
    said = describe_verdict(verdict(0.004, 0.2), "min_max", SOMETHING)
    assert not said["warns"]
    assert "yet single ones hold more of a near-label than chance gives" in said["headline"]
    assert "no evidence" not in said["headline"] + said["text"]
    assert "groups 0, 2, with q ≤ 0.05 in the table of evidence" in said["text"]
    assert "group 0, with q" in describe_verdict(verdict(0.004, 0.2), "min_max", evidence(0.01, 0.9))["text"]


def test_a_verdict_without_a_group_that_stands_out_says_so():
    assert "No single group stands out" in describe_verdict(verdict(0.1, 0.01), "min_max", NOTHING)["text"]


@pytest.mark.parametrize(
    ("criterion", "why"), [("chosen", "a person chose among them"), ("ami", "the near-labels chose among them")]
)
def test_a_choice_that_looked_is_counted_and_q_values_are_put_in_their_place(criterion, why):
    said = describe_verdict(verdict(0.03, 0.3, candidates=190), criterion, SOMETHING)
    assert said["counted"] and said["warns"]
    assert said["headline"].startswith("No better than chance, once it is counted")
    assert f"p = 0.300, counted over all 190 clusterings, since {why}" in said["text"]
    assert (
        "The q-values in the table of evidence below take the clustering as given and do not count that."
        in said["text"]
    )
    better = describe_verdict(verdict(0.4, 0.005, candidates=190), criterion, SOMETHING)
    assert not better["warns"] and "do not count that" in better["text"]


def test_a_verdict_and_a_missing_structure_stand_together():
    missing = {"found": False, "sentence": "No structure found."}
    told = "This does not deny that no structure was found"
    assert told in describe_verdict(verdict(0.3, 0.005), "agreement", SOMETHING, missing)["text"]
    for p_value, structure in ((0.3, missing), (0.005, missing | {"found": True}), (0.005, None)):
        assert told not in describe_verdict(verdict(0.3, p_value), "agreement", SOMETHING, structure)["text"]


def test_without_near_labels_nothing_is_said_and_with_one_that_there_is_nothing_to_compare():
    assert describe_verdict(verdict(None, None, labelled=0), "min_max", NOTHING)["state"] == ""
    said = describe_verdict(verdict(None, None), "min_max", NOTHING)
    assert (said["state"], said["warns"], said["short"]) == ("undefined", False, "–")
    assert "one near-label" in said["headline"]


def columns(near_label_ami, *rows):
    frame = pd.DataFrame(rows, columns=["column", "ami", "p_value"])
    return frame.assign(near_label_ami=near_label_ami)


@pytest.mark.parametrize(
    ("near_label_ami", "rows", "sentence"),
    [
        (0.02, [("type", 0.593, 0.005), ("shift", 0.61, 0.2)],
         "The split follows the column type (AMI 0.59), not the near-labels (0.02)."),
        (0.2, [("type", 0.593, 0.005)],
         "The split follows the column type (AMI 0.59) more than the near-labels (0.20)."),
        (np.nan, [("type", 0.593, 0.005)], "The split follows the column type (AMI 0.59)."),
        (0.4, [("type", 0.593, 0.005)], ""),
        (0.02, [("type", 0.09, 0.005)], ""),
        (0.02, [("type", 0.59, 0.06), ("serial", np.nan, np.nan)], ""),
        (0.02, [], ""),
    ],
)  # fmt: skip
def test_a_split_that_follows_a_column_is_seen_for_what_it_is(near_label_ami, rows, sentence):
    assert describe_columns(columns(near_label_ami, *rows)) == sentence
