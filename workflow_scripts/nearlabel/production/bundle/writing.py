"""Writing a bundle: whole or not at all, under the next number; one with the same content is not written twice."""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.files import hash_file, sync, write_csv, write_json
from nearlabel.grouping.models.saved import save_model
from nearlabel.production.bundle.arrays import read_arrays, write_arrays
from nearlabel.production.bundle.contents import (
    ARRAYS,
    FACTS,
    GROUPS,
    HELD_OUT,
    KNOWN,
    MODEL,
    NETWORK,
    NEWEST,
    USED,
    WEIGHTS,
    Bundle,
    Calibration,
    NodeGroups,
    Reference,
)
from nearlabel.production.bundle.facts import FORMAT, hash_facts, read_facts
from nearlabel.production.bundle.files import read_held_out
from nearlabel.production.bundle.groups_file import write_groups
from nearlabel.production.bundle.numbering import list_numbers, next_number, read_note, write_note
from nearlabel.production.locks import locked

HELD_OUT_COLUMNS = ("image_id", "sha256", "group", "label", "said", "novelty", "weight")

_PART = ".part"


class Content(NamedTuple):
    """What a bundle is written of.

    Attributes
    ----------
    facts : dict
        As of `nearlabel.production.bundle.contents.Bundle`, without those that writing adds: ``format, number, sha256,
        files``.
    names, nodes, reference, calibration, model, known
        As there.
    held_out : DataFrame
        ``held_out.csv``: image_id; sha256; group (the same for near-duplicates and images of one part); label; said,
        what the bundle says of the image, which it has not learnt from; novelty, NaN where that was not measured;
        weight, how many images it stands for.
    pooling : mapping of str to mapping of str to ndarray
        By encoder that pools by novelty: `nearlabel.features.store.read_reference`.
    network : Path or None
        The learnt network's file.
    weights : mapping of str to Path
        Name below ``weights/`` → where the file lies now.
    """

    facts: dict[str, Any]
    names: dict[str, str]
    nodes: dict[str, NodeGroups]
    reference: Reference
    calibration: Calibration
    model: dict[str, Any] | None
    known: dict[str, str]
    held_out: pd.DataFrame
    pooling: Mapping[str, Mapping[str, np.ndarray]]
    network: Path | None
    weights: Mapping[str, Path]


def content_of(bundle: Bundle) -> Content:
    """What a bundle that was read was written of: for another one that differs in some of it."""
    folder = bundle.folder
    facts = read_facts(folder)
    files = facts.pop("files")
    for name in ("format", "number", "sha256"):
        del facts[name]
    weights = [name.removeprefix(f"{WEIGHTS}/") for name in files if name.startswith(f"{WEIGHTS}/")]
    held_out = read_held_out(folder)
    return Content(
        facts,
        bundle.names,
        bundle.nodes,
        bundle.reference,
        bundle.calibration,
        bundle.model,
        bundle.known,
        held_out.assign(novelty=held_out["novelty"].replace("", "nan").astype(float)),
        read_arrays(folder / ARRAYS)[2],
        folder / NETWORK if NETWORK in files else None,
        {name: folder / WEIGHTS / name for name in weights},
    )


def write_bundle(bundles: str | Path, content: Content) -> Path:
    """Write a bundle under the next number; the newest one stays where it has the same content.

    The folder gets its number when all of it is on the disk: whatever happens, no number stands for half a bundle. The
    first bundle of all is put in use.

    Parameters
    ----------
    bundles : str or Path
        Folder of bundles; made.
    content : Content

    Returns
    -------
    Path
        ``{bundles}/{number}``.
    """
    bundles = Path(bundles)
    bundles.mkdir(parents=True, exist_ok=True)
    with locked(bundles / ".lock"):
        for left in bundles.glob(f".*{_PART}"):
            # Of a writer that was killed: there is no other one now.
            shutil.rmtree(left)
        partial = bundles / f".{secrets.token_hex(8)}{_PART}"
        try:
            partial.mkdir()
            folder = _write(bundles, partial, content)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        facts = read_facts(folder)
        if read_note(bundles, USED) is None:
            write_note(bundles, USED, facts)
        write_note(bundles, NEWEST, facts)
        return folder


def _write(bundles: Path, partial: Path, content: Content) -> Path:
    write_groups(partial / GROUPS, content.nodes)
    write_arrays(partial / ARRAYS, content.reference, content.calibration, content.pooling)
    write_csv(partial / HELD_OUT, content.held_out[list(HELD_OUT_COLUMNS)])
    write_csv(partial / KNOWN, pd.DataFrame(sorted(content.known.items()), columns=["sha256", "label"]))
    if content.model is not None:
        save_model(partial / MODEL, content.model)
    if content.network is not None:
        shutil.copyfile(content.network, partial / NETWORK)
    for name, source in sorted(content.weights.items()):
        _place_weights(bundles, partial / WEIGHTS / name, Path(source))
    files = sorted(file for file in partial.rglob("*") if file.is_file())
    facts = {"format": FORMAT, **content.facts, "names": content.names}
    facts["files"] = {file.relative_to(partial).as_posix(): hash_file(file) for file in files}
    # As it is read again.
    facts = json.loads(json.dumps(facts))
    sha256 = hash_facts(facts)
    if same := _find_same(bundles, sha256):
        return same
    number = next_number(bundles)
    write_json(partial / FACTS, {"number": number, "sha256": sha256, **facts})
    for place in (*files, partial / FACTS, *(file.parent for file in files), partial):
        sync(place)
    folder = bundles / str(number)
    os.rename(partial, folder)
    sync(bundles)
    return folder


def _find_same(bundles: Path, sha256: str) -> Path | None:
    """The newest bundle, where it has this content and is whole."""
    numbers = list_numbers(bundles)
    if not numbers:
        return None
    newest = bundles / str(numbers[-1])
    try:
        facts = read_facts(newest)
        whole = all(hash_file(newest / name) == known for name, known in facts["files"].items())
    except (OSError, ValueError):
        return None
    return newest if whole and facts["sha256"] == sha256 else None


def _place_weights(bundles: Path, place: Path, source: Path) -> None:
    """Give a weights file another name where an older bundle has the same one, else a copy."""
    place.parent.mkdir(exist_ok=True)
    wanted = hash_file(source)
    for number in reversed(list_numbers(bundles)):
        older = bundles / str(number) / WEIGHTS / place.name
        if older.is_file() and hash_file(older) == wanted:
            try:
                os.link(older, place)
                return
            except OSError:  # A file system with one name for each file.
                break
    shutil.copyfile(source, place)
