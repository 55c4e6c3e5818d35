"""Files of labels, from files to files."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nearlabel.files import read_table, write_csv
from nearlabel.labelling.answers.consensus import LABELLED, list_disagreements, merge_answers
from nearlabel.labelling.answers.reading import LINE, UNKNOWN, read_answers

logger = logging.getLogger(__name__)
_SAID = 20


def merge_files(files: Iterable[str], images, *, labels: Sequence[str], good: str, output: Mapping[str, Any]) -> None:
    """Merge what annotators have answered, and say what cannot be used.

    Parameters
    ----------
    files : iterable of path
        Files of labels, in any order.
    images : str or Path
        ``images.csv``.
    labels, good
        As for `nearlabel.labelling.answers.reading.read_answers` and
        `nearlabel.labelling.answers.consensus.merge_answers`.
    output : mapping of str to path
        ``answers, problems, labels, disagreements``.
    """
    found = read_answers(files, read_table(images, ("image_id",))["image_id"], labels)
    captured = found.problems["image_id"].str.startswith(LINE) & (found.problems["problem"] == UNKNOWN)
    problems = found.problems[~captured]
    if captured.any():
        logger.info("%d labels are of images of the line: bundles learn from them, rounds do not", captured.sum())
    for row in problems.head(_SAID).itertuples():
        logger.warning("%s, line %s, image %r: %s", row.file, row.line, row.image_id, row.problem)
    if len(problems) > _SAID:
        logger.warning("%d further rows of labels are listed in %s", len(problems) - _SAID, output["problems"])
    merged = merge_answers(found.table, good)
    counts = merged["state"].value_counts()
    logger.info(
        "%d images labelled, %d answered without a label",
        counts.get(LABELLED, 0),
        len(merged) - counts.get(LABELLED, 0),
    )
    write_csv(output["answers"], found.table)
    write_csv(output["problems"], problems)
    write_csv(output["disagreements"], list_disagreements(found.table))
    write_csv(output["labels"], merged)
