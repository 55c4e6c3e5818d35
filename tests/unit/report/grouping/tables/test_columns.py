import numpy as np
import pandas as pd
import pytest

from nearlabel.files import write_csv, write_json
from nearlabel.report.grouping.tables.columns import COLUMN_ENRICHMENT_COLUMNS, COLUMNS_COLUMNS, tabulate_columns

N = 240


@pytest.fixture
def node(tmp_path):
    """Two clusters that are the column type; the other columns know nothing of them."""
    rng = np.random.default_rng(0)
    ids = [f"{i:03d}.png" for i in range(N)]
    clusters = np.arange(N) % 2
    temperature = rng.normal(20, 3, N) + 10 * clusters
    table = pd.DataFrame(
        {
            "image_id": ids,
            "type": np.where(clusters == 0, "mono", "poly"),
            "machine": rng.choice(["A", "B", ""], N),
            "temperature": [f"{t:.2f}" for t in temperature],
            "code": rng.integers(0, 5, N).astype(str),
            "serial": [f"S{i}" for i in range(N)],
            "plant": "north",
            "empty": "",
        }
    )
    place = tmp_path / "tiles/grouping/root"
    write_csv(tmp_path / "tiles/columns.csv", table[::-1])
    write_csv(place / "clusters.csv", pd.DataFrame({"image_id": ids, "cluster": clusters}))
    write_json(place / "verdict.json", {"ami": 0.018})
    return [place / "clusters.csv"], [place / "verdict.json"], [tmp_path / "tiles/columns.csv"]


def test_groups_are_held_against_every_column(node):
    found, enrichment = tabulate_columns(*node, permutations=200, seed=0)
    assert list(found) == list(COLUMNS_COLUMNS)
    assert set(found["near_label_ami"]) == {0.018}
    rows = found.set_index("column")
    assert rows.loc["type", ["ami", "p_value"]].tolist() == [pytest.approx(1), 1 / 201]
    assert rows.loc["machine", "p_value"] > 0.05 and rows.loc["code", "p_value"] > 0.05
    assert rows.loc["machine", "labelled"] < N and rows.loc["machine", "values"] == 2
    assert list(enrichment) == COLUMN_ENRICHMENT_COLUMNS
    own = enrichment[(enrichment["column"] == "type") & (enrichment["q_value"] < 0.05)]
    assert own[["cluster", "value", "share"]].to_numpy().tolist() == [[0, "mono", 1.0], [1, "poly", 1.0]]


def test_numbers_are_compared_by_quarters_and_codes_as_they_are(node):
    found, enrichment = tabulate_columns(*node, permutations=200, seed=0)
    rows = found.set_index("column")
    assert rows.loc["temperature", ["values", "p_value"]].tolist() == [4, 1 / 201]
    assert "quarters" in rows.loc["temperature", "note"]
    assert rows.loc["code", ["values", "note"]].tolist() == [5, ""]
    quarters = enrichment.loc[enrichment["column"] == "temperature", "value"].unique()
    assert [name.split(":")[0] for name in quarters] == ["1", "2", "3", "4"]
    assert quarters[0].startswith("1: up to ") and quarters[3].startswith("4: above ")


def test_what_cannot_be_compared_is_listed_with_its_reason(node):
    found, enrichment = tabulate_columns(*node, permutations=200, seed=0)
    rows = found.set_index("column")
    assert rows.loc["serial", "note"] == "left out: 240 different values are too many to compare groups with"
    for column in ("plant", "empty"):
        assert "nothing to compare" in rows.loc[column, "note"]
    assert rows.loc[["serial", "plant", "empty"], ["ami", "p_value"]].isna().all(axis=None)
    assert not {"serial", "plant", "empty"} & set(enrichment["column"])


def test_many_equal_numbers_make_fewer_quarters(node):
    table = pd.read_csv(node[2][0], dtype=str, keep_default_na=False)
    rank = np.arange(N)
    write_csv(node[2][0], table[["image_id"]].assign(wear=np.where(rank < 200, 0, rank).astype(str)))
    _, enrichment = tabulate_columns(*node, permutations=200, seed=0)
    assert enrichment["value"].unique().tolist() == ["1: up to 0", "2: above 0"]


def test_nodes_and_verdicts_must_match(node, tmp_path):
    with pytest.raises(ValueError, match="not the verdict of"):
        tabulate_columns(node[0], [tmp_path / "tiles/grouping/root.1/verdict.json"], node[2], permutations=9, seed=0)


def test_without_data_sets_the_tables_have_their_columns():
    found, enrichment = tabulate_columns([], [], [], permutations=200, seed=0)
    assert (list(found), list(enrichment)) == (list(COLUMNS_COLUMNS), COLUMN_ENRICHMENT_COLUMNS)
