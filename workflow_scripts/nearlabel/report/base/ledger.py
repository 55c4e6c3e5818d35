"""What became of a data set's files, as the page shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nearlabel.files import read_table
from nearlabel.images.ledger import ACCEPTED, COLUMNS, LEFT_OUT, NOTED, REJECTED, SHOWN, WARNED
from nearlabel.run_files import LEDGER, NEAR_DUPLICATES, fields_of


@dataclass(frozen=True)
class LedgerRow:
    """One line: what became of how many files and why, with the first of their names."""

    outcome: str
    what: str
    files: int
    examples: Sequence[str]


@dataclass(frozen=True)
class Ledger:
    """All lines of a data set, what stopped images first."""

    rows: Sequence[LedgerRow] = ()

    def count(self, outcome: str) -> int:
        """Count the files of one outcome."""
        return sum(row.files for row in self.rows if row.outcome == outcome)

    @property
    def shown(self) -> list[LedgerRow]:
        """The lines but that of the accepted images."""
        return [row for row in self.rows if row.outcome != ACCEPTED]

    @property
    def rejected(self) -> int:
        """Images that cannot be used."""
        return self.count(REJECTED)

    @property
    def left_out(self) -> int:
        """Files that are no images of the data set."""
        return self.count(LEFT_OUT)

    @property
    def warnings(self) -> list[str]:
        """What is probably wrong with accepted images, a sentence each."""
        warned = [row for row in self.rows if row.outcome == WARNED]
        return [f"{row.files} image{'s' if row.files > 1 else ''}: {row.what}." for row in warned]

    @property
    def summary(self) -> str:
        """One sentence that says how many images were rejected and why; '' where none were."""
        if not self.rejected:
            return ""
        total = self.rejected + self.count(ACCEPTED)
        reasons = [f"{row.what} ({row.files})" for row in self.rows if row.outcome == REJECTED]
        if len(reasons) > SHOWN:
            reasons[SHOWN:] = [f"{len(reasons) - SHOWN} other reasons below"]
        told = ", ".join(reasons)
        return f"{self.rejected} of {total} images ({100 * self.rejected / total:.1f} %) were rejected: {told}."


def read_ledgers(ledgers: Iterable[str | Path], near_duplicates: Iterable[str | Path]) -> dict[str, Ledger]:
    """Read what became of the files of data sets, by the name of the data set.

    Parameters
    ----------
    ledgers : iterable of path
        ``{dataset}/ledger.csv``.
    near_duplicates : iterable of path
        ``{dataset}/near_duplicates.csv`` of those data sets whose images were compared.
    """
    compared = {fields_of(NEAR_DUPLICATES, path)["dataset"]: path for path in near_duplicates}
    found = {}
    for path in ledgers:
        dataset = fields_of(LEDGER, path)["dataset"]
        rows = [
            LedgerRow(row["outcome"], row["what"], int(row["files"]), _names(row))
            for row in read_table(path, tuple(COLUMNS)).to_dict("records")
        ]
        if dataset in compared:
            rows += _near_duplicates(compared[dataset])
        found[dataset] = Ledger(rows)
    return found


def _names(row: dict[str, str]) -> list[str]:
    return [row[f"example_{i + 1}"] for i in range(min(SHOWN, int(row["files"])))]


def _near_duplicates(path: str | Path) -> list[LedgerRow]:
    table = read_table(path, ("image_id", "duplicate_of"))
    names = table.loc[table["duplicate_of"] != "", "image_id"].tolist()
    if not names:
        return []
    return [LedgerRow(NOTED, "looks like an earlier image, turned or mirrored too", len(names), names[:SHOWN])]
