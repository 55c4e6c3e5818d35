import pandas as pd

from nearlabel.files import write_csv
from nearlabel.images.ledger import COLUMNS
from nearlabel.report.base.ledger import Ledger, LedgerRow, read_ledgers

ROWS = [
    ("accepted", "images", 97, "a", "b", "c"),
    ("rejected", "empty", 2, "d", "e", ""),
    ("rejected", "cut", 1, "f\n", "", ""),
    ("left out", "hidden", 4, "g", "h", "i"),
    ("warned", "classes test say nothing", 5, "a", "b", "c"),
]


def write(run, dataset, rows, duplicates=None):
    write_csv(run / dataset / "ledger.csv", pd.DataFrame(rows, columns=COLUMNS))
    if duplicates is not None:
        frame = pd.DataFrame(duplicates.items(), columns=["image_id", "duplicate_of"])
        write_csv(run / dataset / "near_duplicates.csv", frame)
    return run / dataset / "ledger.csv", run / dataset / "near_duplicates.csv"


def test_a_ledger_is_read_with_the_near_duplicates_of_its_images(tmp_path):
    tiles, compared = write(tmp_path, "tiles", ROWS, {"a": "", "b": "a", "NA": "a"})
    other, _ = write(tmp_path, "other", ROWS[:1])
    found = read_ledgers([tiles, other], [compared])
    assert found["tiles"].rows[2] == LedgerRow("rejected", "cut", 1, ["f\n"])
    assert found["tiles"].rows[-1].outcome == "noted"
    assert (found["tiles"].rows[-1].files, found["tiles"].rows[-1].examples) == (2, ["b", "NA"])
    assert (found["tiles"].rejected, found["tiles"].left_out) == (3, 4)
    assert found["other"].shown == []
    assert found["other"].summary == ""


def test_the_summary_says_why(tmp_path):
    tiles, _ = write(tmp_path, "tiles", ROWS)
    ledger = read_ledgers([tiles], [])["tiles"]
    assert ledger.summary == "3 of 100 images (3.0 %) were rejected: empty (2), cut (1)."
    assert ledger.warnings == ["5 images: classes test say nothing."]
    many = Ledger([LedgerRow("rejected", str(i), 1, [""]) for i in range(5)])
    assert many.summary.endswith("0 (1), 1 (1), 2 (1), 2 other reasons below.")
