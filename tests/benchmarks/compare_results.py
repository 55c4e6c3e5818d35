"""Name every difference between two results folders of a run, such as those that two versions of the code made.

Run: ``python tests/benchmarks/compare_results.py BEFORE AFTER [--rename OLD=NEW ...]``, each a ``results/{run}``, whose
``logs`` and ``benchmarks`` are left out. A link counts by its name, a file by its bytes, then its content, where row 1
of CSV is below the header and ``name@attribute`` an attribute in HDF5. ``--rename`` tells what a file, a folder or a
piece of a file's name is called after. Exit status: 0 if only such names differ, 1 if more does, 2 for wrong arguments.
"""

import argparse
import csv
import filecmp
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from operator import eq
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

LEFT_OUT = {"logs", "benchmarks"}
# What earlier versions of the code named otherwise: a pattern of the path before, and what stands there after.
RENAMES = (
    (r"(?<![^/])manifest\.csv$", "near_labels.csv"),
    (r"(?<![^/])classifiers(?=/)", "models"),
    (r"^(tables/|figures/.*_)classifiers(?=\.[^./]+$)", r"\1models"),
)
OUTCOMES = ("byte-equal", "equal in content though not in bytes", "differing", "links by name")
WIDTH = 60  # characters shown of a value


def list_files(folder: Path) -> set[str]:
    """Paths below a folder, links among them but not what they lead to."""
    paths = {path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    return {path.as_posix() for path in paths if path.parts[0] not in LEFT_OUT}


def read_rename(text: str) -> tuple[str, str]:
    old, _, new = text.partition("=")
    if not (old and new):
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW.")
    return rf"(?<![^/]){re.escape(old)}(?=/)|{re.escape(old)}(?=[^/]*$)", new.replace("\\", r"\\")


def match_files(before: set[str], after: set[str], renames: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What each path before is called after; it keeps its name where the new one is taken or only the old is there."""
    names = {path: path for path in sorted(before)}
    for old, new in renames:
        names = {path: re.sub(old, new, name) for path, name in names.items()}
    for path, name in names.items():
        if names.get(name) == name or (name not in after and path in after):
            names[path] = path
    return names


def change(before: object, after: object) -> str:
    """Both values; long ones from a little before the first difference."""
    texts = repr(before), repr(after)
    start = max(0, [*map(eq, *texts), False].index(False) - WIDTH // 3) if max(map(len, texts)) > WIDTH else 0
    return " → ".join("…" * (start > 0) + t[start : start + WIDTH] + "…" * (len(t) > start + WIDTH) for t in texts)


def one_sided(before: Iterable[str], after: Iterable[str]) -> list[str]:
    return [f"{name} only {'before' if name in before else 'after'}" for name in sorted({*before} ^ {*after})]


def gap(pairs: Iterable[tuple]) -> str:
    """Largest difference within pairs, where all are numbers; NaN counts for nothing."""
    with suppress(TypeError, ValueError):
        return f" (largest difference {np.fmax.reduce(np.abs(np.diff(np.asarray(pairs, dtype=float))), axis=None):.3g})"
    return ""


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [*csv.reader(file, strict=True)] or [[]]
    if len({*rows[0]}) < len(rows[0]) or {len(row) for row in rows} != {len(rows[0])}:
        raise ValueError("two columns have one name, or a row has more or fewer cells than the header")
    return rows


def csv_differences(before: list[list[str]], after: list[list[str]]) -> Iterator[str]:
    (old_names, *old_rows), (new_names, *new_rows) = before, after
    if old_names != new_names:
        yield f"columns: {', '.join(one_sided(old_names, new_names)) or 'another order'}"
    if len(old_rows) != len(new_rows):
        yield f"rows {len(old_rows)} → {len(new_rows)}"
    places = [(name, old_names.index(name), new_names.index(name)) for name in old_names if name in new_names]
    rows = enumerate(zip(old_rows, new_rows, strict=False), 1)
    cells = [(row, name, old[i], new[j]) for row, (old, new) in rows for name, i, j in places if old[i] != new[j]]
    if cells:
        columns = {name: [cell[2:] for cell in cells if cell[1] == name] for name in {cell[1]: 0 for cell in cells}}
        named = (name + gap([pair for pair in pairs if all(pair)]) for name, pairs in columns.items())
        yield f"{len({cell[0] for cell in cells})} of {len(old_rows)} rows, in {', '.join(named)}"
        yield f"first in row {cells[0][0]}, {cells[0][1]}: {change(*cells[0][2:])}"


def json_items(value: object, path: str = "") -> dict[str, object]:
    """Values by their path of keys and places."""
    if not isinstance(value, dict | list) or not value:
        return {path or "value": value}
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    return {name: leaf for key, part in parts for name, leaf in json_items(part, f"{path}[{key}]").items()}


def h5_items(path: Path) -> dict[str, object]:
    with h5py.File(path) as file:
        things = {"/": file}
        file.visititems(things.__setitem__)
        items = {}
        for name, thing in things.items():
            value = thing[()] if isinstance(thing, h5py.Dataset) else "group"
            # Rows of unlike lengths do not compare as one array.
            element = h5py.check_vlen_dtype(thing.dtype) if isinstance(value, np.ndarray) else None
            if element not in (None, str, bytes):
                items[f"{name}, lengths"] = np.array([len(row) for row in value])
                value = np.concatenate([*value, np.empty(0, element)])
            items[name] = value
        return items | {f"{name}@{key}": value for name in things for key, value in things[name].attrs.items()}


def image_items(path: Path) -> dict[str, np.ndarray]:
    with Image.open(path) as image:
        pixels = np.atleast_3d(image.convert("RGBA") if image.mode == "P" else image)
    return {f"pixels of {pixels[0, 0].nbytes} bytes": pixels.view(f"V{pixels[0, 0].nbytes}")[..., 0]}


def item_differences(before: dict[str, object], after: dict[str, object]) -> Iterator[str]:
    """Differences of shape, type and elements; NaN equals NaN."""
    yield from one_sided(before, after)
    for name in (name for name in before if name in after):
        old, new = np.asarray(before[name]), np.asarray(after[name])
        if old.dtype != new.dtype and old.ndim:
            yield f"{name}: dtype {old.dtype} → {new.dtype}"
        if old.shape != new.shape:
            yield f"{name}: shape {old.shape} → {new.shape}"
        elif not old.ndim and repr(before[name]) != repr(after[name]):
            yield f"{name}: {change(before[name], after[name])}"
        elif np.any(unequal := (old != new) & ((old == old) | (new == new))):
            size = gap(np.stack([old[unequal], new[unequal]], axis=1))
            yield f"{name}: {np.count_nonzero(unequal)} of {old.size} elements{size}"


def line_differences(before: list[str], after: list[str]) -> Iterator[str]:
    """How many lines only one side has, wherever they are, and the first place where lines differ."""
    old, new, place = Counter(before), Counter(after), [*map(eq, before, after), False].index(False)
    yield f"{(old - new).total()} of {len(before)} lines only before, {(new - old).total()} of {len(after)} only after"
    yield f"first in line {place + 1}: {change(*(''.join(lines[place : place + 1]) for lines in (before, after)))}"


KINDS = {
    (".csv",): (read_csv, csv_differences),
    (".json",): (lambda path: json_items(json.loads(path.read_bytes())), item_differences),
    (".h5",): (h5_items, item_differences),
    (".png", ".jpg", ".jpeg"): (image_items, item_differences),
    (".svg", ".html", ".txt", ".md", ".tex"): (lambda path: path.read_bytes().decode().split("\n"), line_differences),
    ("",): (lambda path: len(path.read_bytes()), lambda before, after: [f"bytes differ, {before} → {after} of them"]),
}


def compare(before: Path, after: Path) -> tuple[str, list[str]]:
    """Outcome, one of OUTCOMES, and the differences."""
    links = {before.is_symlink(), after.is_symlink()}
    if True in links:
        return (OUTCOMES[3], []) if len(links) == 1 else (OUTCOMES[2], ["a link on one side only"])
    with suppress(OSError):
        if filecmp.cmp(before, after, shallow=False):
            return OUTCOMES[0], []
    read, differences = next(kind for ends, kind in KINDS.items() if after.name.lower().endswith(ends))
    contents, found = [], []
    for side, path in (("before", before), ("after", after)):
        try:
            contents.append(read(path))
        except Exception as problem:  # damaged files raise nearly everything
            found.append(f"{side} cannot be read, {type(problem).__name__}: {problem}")
    found = found or [*differences(*contents)]
    return OUTCOMES[2 if found else 1], found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--rename", type=read_rename, action="append", default=[], metavar="OLD=NEW")
    options = parser.parse_args(arguments)
    if not (options.before.is_dir() and options.after.is_dir()):
        parser.error(f"{options.before} and {options.after} must be folders.")
    before, after = list_files(options.before), list_files(options.after)
    names = match_files(before, after, [*options.rename, *RENAMES])
    lines = [f"only before: {path}" for path, name in names.items() if name not in after]
    lines += [f"only after: {path}" for path in sorted(after - {*names.values()})]
    sides, counts = len(lines), Counter()
    for path, name in names.items():
        if name in after:
            outcome, found = compare(options.before / path, options.after / name)
            counts[outcome] += 1
            lines += [f"differ: {name}{f' (before: {path})' * (path != name)}: {'; '.join(found)}"] * bool(found)
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)
    print(*lines, f"{counts.total()} files compared: {told}; {sides} only on one side", sep="\n")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
