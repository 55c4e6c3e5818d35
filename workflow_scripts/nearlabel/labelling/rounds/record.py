"""The rounds of labelling on record: what was asked for, and what was drawn at random, before anybody saw it.

A file for each round, `0001.json` and so on, in the folder ``rounds`` beside the labels. What audits prove rests on
them, and they cannot be computed again: they belong to the labels, not to the results.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nearlabel.files import written_durably

STRATEGY, START, AUDIT, CERTIFY, AGAIN = "strategy", "start", "audit", "certify", "again"
"""Purposes of images in a queue."""


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes
    ----------
    number : int
        From 1.
    key : str
        Fingerprint of the labels and settings that it was planned for.
    population : str
        Fingerprint of the images there were.
    labelled : list of str
        Images that had a label when it was planned, and had none when the round before was.
    unlabelled : list of str
        Images that had lost their label since then: a revision, a dispute.
    picks : dict of str to list of str
        What was chosen for this round: ``strategy`` or ``start`` (by which, see `chosen_by`), ``audit`` or ``certify``
        (uniformly from the images without a label).
    chosen_by : str
        Name of the strategy.
    stage : int
        Of the certificate, where there is a ``certify`` draw; 0 otherwise.
    target : dict
        ``recall`` and ``alpha`` of that stage.
    """

    number: int
    key: str
    population: str
    labelled: list[str]
    unlabelled: list[str]
    picks: dict[str, list[str]]
    chosen_by: str
    stage: int = 0
    target: dict[str, float] = field(default_factory=dict)

    def images(self, *purposes: str) -> list[str]:
        """Images that were chosen for some purposes."""
        return [image for purpose in purposes for image in self.picks.get(purpose, ())]

    @property
    def drawn(self) -> list[str]:
        """Images drawn uniformly."""
        return self.images(AUDIT, CERTIFY)


def fingerprint_ids(*parts: Iterable[Any]) -> str:
    """Fingerprint of what parts hold, in their order."""
    text = json.dumps([list(part) for part in parts], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_rounds(folder) -> list[Round]:
    """Read all rounds on record.

    Parameters
    ----------
    folder : str or Path
        ``rounds`` of the folder of labels; there may be none.

    Returns
    -------
    list of Round
        In their order.

    Raises
    ------
    ValueError
        One is damaged, or one is missing between others.
    """
    rounds = []
    for number, file in enumerate(sorted(Path(folder).glob("[0-9]*.json")), start=1):
        try:
            found = Round(**json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(
                f"{file} cannot be read ({error}); put back a copy of it, for what audits prove rests on it"
            ) from None
        if found.number != number or file.name != _name(number):
            raise ValueError(f"{file.parent} lacks {_name(number)}, though {file.name} is there; put back a copy of it")
        rounds.append(found)
    return rounds


def record_round(folder, entry: Round) -> None:
    """Put a round on record; it is on the disk when this returns.

    Raises
    ------
    ValueError
        Another call has recorded a round of this number.
    """
    file = Path(folder) / _name(entry.number)
    if file.exists():
        raise ValueError(f"{file} was written by another call of snakemake meanwhile; call it again")
    with written_durably(file) as partial:
        partial.write_text(json.dumps(asdict(entry), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _name(number: int) -> str:
    return f"{number:04d}.json"


def labelled_at(rounds: Sequence[Round]) -> list[set[str]]:
    """Images that had a label when each round was planned."""
    found, labelled = [], set()
    for one in rounds:
        labelled = (labelled | set(one.labelled)) - set(one.unlabelled)
        found.append(labelled)
    return found


def open_draws(rounds: Sequence[Round], labels: Mapping[str, Any], population: str) -> list[str]:
    """Images that were drawn at random, of this population, and have no label yet: they are still to be answered."""
    drawn = [image for one in rounds if one.population == population for image in one.drawn]
    return [image for image in dict.fromkeys(drawn) if image not in labels]
