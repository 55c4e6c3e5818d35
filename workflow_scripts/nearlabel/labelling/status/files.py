"""``status.json``, from files to a file."""

import pandas as pd

from nearlabel.files import read_table, write_json
from nearlabel.labelling.rounds.history import as_history
from nearlabel.labelling.rounds.opinions import read_opinions
from nearlabel.labelling.rounds.situation import read_situation
from nearlabel.labelling.status.heuristics import ask_heuristics
from nearlabel.labelling.status.summary import summarise

# Of numbers; an image may be called NA.
_UNKNOWN = {"probability": [""], "judged_without": [""]}


def write_status(output, *, images, queue, predictions, answers, problems, labels, rounds, certify) -> None:
    """Say where labelling stands.

    Parameters
    ----------
    output : str or Path
        ``status.json``.
    images, queue, predictions, answers, problems, labels : str or Path
        Files of the same names.
    rounds : str or Path
        Folder of the rounds on record.
    certify : mapping
        ``recall, alpha, quiet``.
    """
    given = read_table(labels, ("image_id", "label", "defective", "state"))
    situation = read_situation(read_table(images, ("image_id",)), given, rounds)
    timed = read_table(answers, ("image_id", "annotator", "label", "seconds", "state"))
    said = pd.read_csv(predictions, dtype={"image_id": str}, keep_default_na=False, na_values=_UNKNOWN)
    status = summarise(
        situation,
        read_table(queue, ("image_id", "purpose")),
        given,
        timed.assign(seconds=pd.to_numeric(timed["seconds"])),
        read_table(problems, ("file", "line", "problem")),
        said,
        certify,
    )
    history = as_history(situation, lambda one: read_opinions(rounds, one))
    write_json(output, status | {"heuristics": ask_heuristics(history, certify["recall"])})
