"""What criteria need beside ``quality.csv``, measured on each encoder's clusterings and kept for a later run."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pandas as pd
from clusterings import Clusterings

from nearlabel.config.grouping import Structure
from nearlabel.files import write_csv
from nearlabel.grouping.structure.across import compare_encoders
from nearlabel.grouping.structure.evidence import measure_structure
from nearlabel.grouping.structure.strength import judge_structure
from nearlabel.sources import fingerprint, sources_of

STABILITY = False
"""Whether stability is measured, which takes longer than all else; set by ``--stability``."""

Evidence = dict[str, dict[str, pd.DataFrame]]
"""Keyword of `nearlabel.grouping.selection.criteria.select_clustering` → encoder → table."""


class Measure(NamedTuple):
    """What to measure.

    Attributes
    ----------
    modules : tuple of str
        Modules of the library that compute it; where their code changed, it is measured anew.
    measure : callable
        From one encoder's `Clusterings` (reduced features and label blocks) to a table.
    judge : callable
        From the tables by encoder to how strong the structure is: ``none`` or another word.
    """

    modules: tuple[str, ...]
    measure: Callable[[Clusterings], pd.DataFrame]
    judge: Callable[[Mapping[str, pd.DataFrame]], str]


def _measure_structure(made: Clusterings) -> pd.DataFrame:
    return measure_structure(
        made.reduced,
        {id: block.labels for id, block in made.blocks.items()},
        {id: {"name": id, "parameters": {}} for id in made.blocks},
        **Structure().model_dump(),
        seed=0,
        stability=STABILITY,
    )


def _judge_structure(tables: Mapping[str, pd.DataFrame]) -> str:
    found = judge_structure(tables)
    return "undefined" if found is None else found.strength


MEASURES: dict[str, Measure] = {
    "agreement": Measure(("nearlabel.grouping.structure.evidence",), _measure_structure, _judge_structure)
}
"""By the keyword under which `select_clustering` takes the tables."""


def measure_all(made: Mapping[str, Clusterings]) -> Evidence:
    """Measure the clusterings of all encoders of a set, or read what an earlier run kept beside them."""
    evidence = {keyword: {encoder: _kept(keyword, own) for encoder, own in made.items()} for keyword in MEASURES}
    labels = {
        encoder: {id: block.labels for id, block in clusterings.blocks.items()} for encoder, clusterings in made.items()
    }
    across = compare_encoders(labels, {encoder: encoder for encoder in labels}, seed=0)
    for encoder, table in evidence["agreement"].items():
        own = across.loc[across["encoder"] == encoder, ["algorithm", "k", "across"]]
        evidence["agreement"][encoder] = table.merge(own, on=["algorithm", "k"], how="left")
    return evidence


def judge_all(evidence: Evidence) -> str:
    """Say how strong the structure is: the words of all measures, empty where there is no measure."""
    return ", ".join(MEASURES[keyword].judge(tables) for keyword, tables in evidence.items())


def _kept(keyword: str, made: Clusterings) -> pd.DataFrame:
    measure = MEASURES[keyword]
    code = sources_of(*measure.modules).describe()
    key = fingerprint({"clusterings": made.key, "stability": STABILITY, "code": code})
    file = made.folder / f"{made.encoder}_{keyword}_{key}.csv"
    if not file.is_file():
        for old in made.folder.glob(f"{made.encoder}_{keyword}_*.csv"):
            old.unlink()
        write_csv(file, measure.measure(made))
    return pd.read_csv(file)
