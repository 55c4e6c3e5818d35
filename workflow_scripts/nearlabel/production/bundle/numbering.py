"""Numbered folders of bundles: which there are, which was made last, which is in use."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nearlabel.files import write_json, written_durably
from nearlabel.production.bundle.contents import FACTS, NEWEST, USED
from nearlabel.production.bundle.facts import read_facts


def list_numbers(bundles: str | Path) -> list[int]:
    """Numbers of the bundles in a folder of bundles, ascending."""
    folders = Path(bundles).iterdir() if Path(bundles).is_dir() else ()
    return sorted(int(one.name) for one in folders if is_number(one.name) and (one / FACTS).is_file())


def is_number(name: str) -> bool:
    """Whether a folder is called as a bundle's."""
    return name.isascii() and name.isdecimal() and not name.startswith("0")


def bundle_folder(bundles: str | Path, number: int) -> Path:
    """Folder of a bundle.

    Raises
    ------
    FileNotFoundError
        There is no such bundle; the sentence names those that there are.
    """
    folder = Path(bundles) / str(number)
    if not (folder / FACTS).is_file():
        numbers = ", ".join(map(str, list_numbers(bundles))) or "none"
        raise FileNotFoundError(f"{bundles}: there is no bundle {number}; there are {numbers}")
    return folder


def next_number(bundles: str | Path) -> int:
    """Number of the next bundle: above all that there are or were, as far as notes remember; no number comes twice."""
    folders = (one.name for one in Path(bundles).iterdir())
    noted = (read_note(bundles, name) for name in (NEWEST, USED))
    numbers = [int(name) for name in folders if is_number(name)] + [note["number"] for note in noted if note]
    return max(numbers, default=0) + 1


def read_note(bundles: str | Path, name: str) -> dict[str, Any] | None:
    """Read ``newest.json`` or ``used.json``: ``number``, ``sha256``, ``folder``; None where there is none.

    A damaged ``newest.json`` counts as none: the folders tell as much, and the next bundle writes it anew.

    Raises
    ------
    ValueError
        ``used.json`` is no such note.
    """
    path = Path(bundles) / name
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        problem = None if isinstance(note, dict) and type(note.get("number")) is int else "names no bundle"
    except FileNotFoundError:
        return None
    except ValueError as error:
        problem = f"is damaged ({error})"
    if problem is None:
        return note
    if name == NEWEST:
        return None
    raise ValueError(f"{path} {problem}; `nearlabel bundle use N` writes it anew")


def write_note(bundles: str | Path, name: str, facts: Mapping[str, Any]) -> None:
    """Note which bundle is the newest, or in use; on the disk when this returns, whole whenever power is lost."""
    number = facts["number"]
    note = {"number": number, "sha256": facts["sha256"], "folder": str(number)}
    with written_durably(Path(bundles) / name) as partial:
        write_json(partial, note)


def find_doubles(bundles: str | Path, notes: Sequence[str] = (USED, NEWEST)) -> list[str]:
    """Say where a note names another bundle than lies under its number: two machines have made one each.

    Copies that keep what is there leave such a note: the bundle that it names did not come.
    """
    problems = []
    for name in notes:
        try:
            note = read_note(bundles, name)
            folder = None if note is None else bundle_folder(bundles, note["number"])
            if folder is None or read_facts(folder)["sha256"] == note.get("sha256"):
                continue
        except (OSError, ValueError):
            continue
        problems.append(
            f"{folder} is not the bundle that {Path(bundles) / name} names: two machines have made one under this "
            f"number. Keep the line's; where the other one was made, move its folder {folder.name} away, copy the "
            "line's bundles there, and make it again, under the next number"
        )
    return problems


def find_bundle(folder: str | Path) -> Path:
    """Find the folder of a bundle: the one that is named, or of a folder of bundles the one in use.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no bundle, or none is in use.
    """
    folder = Path(folder)
    if (folder / FACTS).is_file():
        return folder
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder; name a bundle, or a folder of bundles")
    note, numbers = read_note(folder, USED), list_numbers(folder)
    if note is None:
        told = f"it has {', '.join(map(str, numbers))}: `nearlabel bundle use N`" if numbers else "it has none"
        raise FileNotFoundError(f"{folder}: no bundle is in use; {told}")
    return bundle_folder(folder, note["number"])


class UseNote:
    """Tells whether another bundle was put in use.

    Parameters
    ----------
    folder : path
        Of bundles; of a bundle's own folder nothing ever changes.
    """

    def __init__(self, folder: str | Path):
        self._note = None if (Path(folder) / FACTS).is_file() else Path(folder) / USED
        self._seen = self._stamp()

    def changed(self) -> bool:
        """Whether the note is another one than when this was last asked; not while there is none."""
        stamp = self._stamp()
        if stamp is None or stamp == self._seen:
            return False
        self._seen = stamp
        return True

    def _stamp(self) -> tuple[int, int, int] | None:
        if self._note is None:
            return None
        try:
            facts = os.stat(self._note)
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_ino, facts.st_size
