"""The ledger of a data set's files: how many were accepted, rejected, left out, and what is worth a look."""

import logging
from collections.abc import Iterable, Mapping

import pandas as pd

from nearlabel.images.reading import ImageFacts
from nearlabel.images.suspicions import suspect_classes, suspect_masks, suspect_names

logger = logging.getLogger(__name__)

# Names that a line of the ledger gives, and their length there.
SHOWN, LONG = 3, 60
COLUMNS = ["outcome", "what", "files", *(f"example_{i + 1}" for i in range(SHOWN))]
ACCEPTED, REJECTED, LEFT_OUT, WARNED, NOTED = "accepted", "rejected", "left out", "warned", "noted"
"""What ``outcome`` may be; of accepted images, warned is what is probably wrong, noted what is worth knowing."""

_DEEP = 8


def make_ledger(
    images: pd.DataFrame, rejected: pd.DataFrame, left_out: pd.DataFrame, facts: Mapping[str, ImageFacts]
) -> pd.DataFrame:
    """Count what became of a data set's files.

    Parameters
    ----------
    images, rejected : DataFrame
        From `nearlabel.images.checks.check_images`.
    left_out : DataFrame
        From the data set's reader: the first rows of `rejected`.
    facts : mapping of str to ImageFacts
        Of every image, by its image_id.

    Returns
    -------
    DataFrame
        ``ledger.csv``: outcome, what (the reason, numbers in it as N where they differ), files (how many), example_1
        to example_3 (the first of their names, '' where there are fewer). What stopped images comes first, the most
        frequent first.
    """
    roots = {path.removesuffix(name) for name, path in zip(images["image_id"], images["path"], strict=True)}
    root = roots.pop() if len(roots) == 1 else ""
    rows = [(ACCEPTED, "images", images["image_id"])]
    for outcome, frame in ((REJECTED, rejected.iloc[len(left_out) :]), (LEFT_OUT, left_out)):
        names = frame["path"].str.removeprefix(root)
        reasons = alike(frame["reason"])
        rows += [(outcome, what, names[reasons == what]) for what in reasons.value_counts(sort=True).index]
    warned = [*suspect_classes(images), *suspect_masks(images)]
    rows += [(WARNED, *note) for note in warned if note[1]]
    rows += [(NOTED, *note) for note in _note(images, facts) if note[1]]
    return pd.DataFrame([_row(*row) for row in rows], columns=COLUMNS)


def alike(reasons: pd.Series) -> pd.Series:
    """Reasons without what makes each one different: sizes, counts, names of masks; the whole where all are one."""
    short = reasons.str.replace(r"(?<!JPEG )\b[0-9]+\b", "N", regex=True)
    short = short.str.replace(r"^its mask .* (?=is missing|cannot be read)", "its mask ", regex=True)
    return short.where(reasons.groupby(short).transform("nunique") > 1, reasons)


def log_ledger(ledger: pd.DataFrame, dataset: str, listing) -> None:
    """Say the ledger, a line for each of its rows; a warning where images were rejected or something is wrong.

    Parameters
    ----------
    ledger : DataFrame
        From `make_ledger`.
    dataset : str
        Name of the data set.
    listing : str or Path
        File with every rejected file and its reason.
    """
    counts = ledger.groupby("outcome")["files"].sum()
    told = ", ".join(f"{counts.get(outcome, 0)} {outcome}" for outcome in (ACCEPTED, REJECTED, LEFT_OUT))
    lines = [f"{dataset}: files {told}"]
    for row in ledger[ledger["outcome"] != ACCEPTED].to_dict("records"):
        lines.append(f"  {row['outcome']} {row['files']}: {row['what']} ({', '.join(examples(row))})")
    if counts.get(REJECTED, 0) or counts.get(LEFT_OUT, 0):
        lines.append(f"  every one with its reason: {listing}")
    wrong = counts.get(REJECTED, 0) + counts.get(WARNED, 0)
    logger.log(logging.WARNING if wrong else logging.INFO, "%s", "\n".join(lines))


def examples(row: Mapping) -> list[str]:
    """Names in a row of the ledger, and an ellipsis where there are more; odd ones as Python writes them."""
    names = [row[f"example_{i + 1}"] for i in range(min(SHOWN, row["files"]))]
    names = [name if name.isprintable() and name == name.strip() else repr(name) for name in names]
    names = [name if len(name) <= LONG else f"{name[: LONG // 2]}…{name[-LONG // 2 :]}" for name in names]
    return [*names, *(["…"] if row["files"] > SHOWN else [])]


def _row(outcome: str, what: str, names: Iterable[str]) -> tuple:
    names = sorted(names)
    return outcome, what, len(names), *names[:SHOWN], *[""] * (SHOWN - len(names))


def _note(images: pd.DataFrame, facts: Mapping[str, ImageFacts]) -> list[tuple[str, list[str]]]:
    ids = images["image_id"]
    of = {name: facts[name] for name in ids}
    chosen = lambda test: [name for name, fact in of.items() if test(fact)]  # noqa: E731
    size = (images["width"].astype(str) + " × " + images["height"].astype(str)).tolist()
    return [
        ("equal to an earlier file, byte for byte", ids[images["sha256"].duplicated()].tolist()),
        ("of one colour throughout", chosen(lambda fact: fact.constant)),
        ("several frames or pages; the first is used", chosen(lambda fact: fact.frames > 1)),
        (f"fewer than {_DEEP} bits a sample", chosen(lambda fact: fact.bits < _DEEP)),
        ("grey: used as three equal channels", chosen(lambda fact: fact.grey)),
        *_odd_ones("size", size, ids),
        *_odd_ones("pixel format", images["mode"].tolist(), ids),
        *suspect_names(ids.tolist()),
    ]


def _odd_ones(what: str, values: list, ids: pd.Series) -> list[tuple[str, list[str]]]:
    counts = pd.Series(values, dtype=str).value_counts()
    if len(counts) < 2:
        return []
    usual = sorted(counts[counts == counts.iloc[0]].index)[0]
    others = [name for name, value in zip(ids, values, strict=True) if value != usual]
    kinds = ", ".join(v for v in counts.index if v != usual) if len(counts) <= SHOWN else f"{len(counts) - 1} others"
    return [(f"another {what} ({kinds}) than the most frequent, {usual}", others)]
