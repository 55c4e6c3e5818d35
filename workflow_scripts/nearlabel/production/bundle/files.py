"""Reading a bundle: every file is held against its hash, and what does not fit here is said."""

import logging
import re
from pathlib import Path
from typing import Any

import pandas as pd

from nearlabel.files import hash_file, read_table
from nearlabel.grouping.models.saved import load_model
from nearlabel.production.bundle.arrays import read_arrays
from nearlabel.production.bundle.contents import (
    ARRAYS,
    GROUPS,
    HELD_OUT,
    KNOWN,
    MODEL,
    NETWORK,
    WEIGHTS,
    Bundle,
)
from nearlabel.production.bundle.facts import read_facts
from nearlabel.production.bundle.groups_file import read_groups
from nearlabel.production.bundle.numbering import find_bundle
from nearlabel.sources import compare_versions

logger = logging.getLogger(__name__)

_ALWAYS, _PERHAPS = (GROUPS, ARRAYS, HELD_OUT, KNOWN), (MODEL, NETWORK)


def read_bundle(folder: str | Path) -> Bundle:
    """Read a bundle.

    Parameters
    ----------
    folder : str or Path
        A bundle's own folder, or a folder of bundles: then the one in use. It may come from anybody: nothing in it is
        run, and what is not built of our own steps and models is refused.

    Returns
    -------
    Bundle
        ``facts["encoders"][id]`` have ``reference``, arrays, where the encoder pools by novelty, and the whole path of
        a weights file of the user's own as ``options["weights"]``.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no such bundle, none is in use; a file is missing, was changed, is damaged or foreign; one sentence.
    """
    folder = find_bundle(folder)
    facts = check_bundle(folder)
    for sentence in compare_versions(facts["library_versions"]):
        logger.warning("bundle %s %s", facts["number"], sentence)
    reference, calibration, pooling = read_arrays(folder / ARRAYS)
    nodes = read_groups(folder / GROUPS)
    model = load_model(folder / MODEL) if MODEL in facts["files"] else None
    if model and not hasattr(model["pipeline"], "classes_"):
        raise ValueError(f"{folder / MODEL} is refused: it tells no labels; use bundles of your own runs")
    known = pd.read_csv(folder / KNOWN, dtype=str, keep_default_na=False)
    for id, encoder in facts["encoders"].items():
        if id in pooling:
            encoder["reference"] = pooling[id]
        if encoder["own_weights"]:
            encoder["options"]["weights"] = str(folder / WEIGHTS / encoder["weights_file"])
    return Bundle(
        folder,
        facts["number"],
        facts["sha256"],
        facts,
        facts["names"],
        nodes,
        reference,
        calibration,
        model,
        dict(zip(known["sha256"], known["label"], strict=True)),
    )


def check_bundle(folder: str | Path) -> dict[str, Any]:
    """Hold every file of a bundle against its hash, and return the bundle's facts.

    Raises
    ------
    FileNotFoundError, ValueError
        As of `read_bundle`.
    """
    folder = Path(folder)
    facts = read_facts(folder)
    _check_files(folder, facts["files"])
    return facts


def read_held_out(folder: str | Path) -> pd.DataFrame:
    """Read ``held_out.csv``, see `nearlabel.production.bundle.writing.Content`: text, but for ``weight``.

    Bundles that were made before images had weights have 1 for each.
    """
    table = read_table(Path(folder) / HELD_OUT, ("sha256", "group", "label", "said"))
    return table.assign(weight=table["weight"].astype(float) if "weight" in table else 1.0)


def _check_files(folder: Path, files: dict[str, str]) -> None:
    own = [name for name in files if not re.fullmatch(rf"{WEIGHTS}/[^/\\]+", name)]
    foreign = [name for name in own if name not in (*_ALWAYS, *_PERHAPS)] + [name for name in files if ".." in name]
    if foreign:
        raise ValueError(f"{folder} lists {foreign[0]!r}, which no bundle has; use bundles of your own runs")
    for name in _ALWAYS:
        if name not in files:
            raise ValueError(f"{folder} lists no {name}, which every bundle has; copy it anew or make it again")
    for name, known in files.items():
        place = folder / name
        if not place.is_file():
            raise FileNotFoundError(f"{place} is missing; copy the bundle anew or make it again")
        if hash_file(place) != known:
            raise ValueError(f"{place} was changed since the bundle was made; copy the bundle anew or make it again")
