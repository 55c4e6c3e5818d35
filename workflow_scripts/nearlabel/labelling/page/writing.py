"""Writing the page to label on: its data, its policy, its file."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nearlabel.files import written_whole
from nearlabel.labelling.catalogue import RESERVED_KEYS, UNDECIDED
from nearlabel.labelling.page.embedding import EmbeddedPicture, embed_overlay, embed_pictures
from nearlabel.sources import data_path

TEMPLATES = data_path(__file__, "templates")

SHARED = TEMPLATES / "shared.js"
"""What the scripts of several pages begin with."""

# In this order: a file declares what a later one uses.
_SCRIPTS = ("text", "log", "pictures", "stage", "panel", "grid", "dialogs", "main")
_COUNTS = ("round", "labelled", "found", "population")
_EXAMPLE_SIDE, _EXAMPLE_SHARE = 384, 0.2


class QueueImage(NamedTuple):
    """An image to label.

    Attributes
    ----------
    image_id : str
        As in ``images.csv``.
    path : str
        The file to read.
    overlay : float array of shape (h, w) or None
        A map in [0, 1] that covers the whole image, shown on a key.
    """

    image_id: str
    path: str
    overlay: np.ndarray | None = None


class LabelKind(NamedTuple):
    """A class that an image can get.

    Attributes
    ----------
    name : str
        What the file of answers has.
    key : str
        One character.
    examples : sequence of (image_id, path)
        Images of the class, shown beside the image.
    description : str
        How the class is recognised.
    """

    name: str
    key: str
    examples: Sequence[tuple[str, str]] = ()
    description: str = ""


def write_label_page(
    output,
    *,
    run: str,
    dataset: str,
    queue: Sequence[QueueImage],
    kinds: Sequence[LabelKind],
    progress: Mapping[str, object],
    full_ranges: Mapping[str, str] | None = None,
    folder: str = "labels",
    longest_side: int = 2048,
    budget: int = 60_000_000,
) -> None:
    """Write a page on which a person labels the images of a queue: one HTML file, opened from disk.

    The page makes no request. Answers are kept in the browser at every key, and leave it as a CSV that the person
    saves: ``labels-{annotator}-{time}.csv`` with ``image_id, label, annotator, time, seconds``, a row for each image
    that has an answer: the last one, its time (ISO 8601, UTC), and for how long until then the image was on the screen
    in a visible tab; of images answered together in the grid each has an equal share. Same arguments and images, same
    bytes.

    Parameters
    ----------
    output : str or Path
        ``labelling/label.html``.
    run, dataset : str
        Shown; with the queue they name the place where the browser keeps the answers.
    queue : sequence of QueueImage
        In the order in which they are asked; may be empty. An image that cannot be read is asked without its picture.
    kinds : sequence of LabelKind
        The classes, at least one.
    progress : mapping
        ``round``, ``labelled``, ``found``, ``population``: int or None where it is not known; ``advice``: a sentence,
        may be empty. All as of before this queue.
    full_ranges : mapping of str to str, optional
        By image_id, see `nearlabel.labelling.page.embedding.embed_pictures`.
    folder : str
        Where the page says that the files of answers belong.
    longest_side : int
        Pixels of an embedded image.
    budget : int
        Bytes of the file. Images are made smaller where it would be larger, and the page says so.

    Raises
    ------
    ValueError
        No class; classes that share a name or a key; a key of the page; an image that is asked twice; a budget that
        is too small.
    """
    _check_kinds(kinds)
    ids = [image.image_id for image in queue]
    if len(set(ids)) < len(ids):
        twice = next(name for position, name in enumerate(ids) if name in ids[:position])
        raise ValueError(f"the queue asks for {twice!r} twice; each image has one place in it")
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
    style = (TEMPLATES / "label.css").read_text(encoding="utf-8")
    files = [SHARED, *(TEMPLATES / f"label_{name}.js" for name in _SCRIPTS)]
    script = "".join(file.read_text(encoding="utf-8") for file in files)
    # Their names stay inside; there is nothing else on the page to share them with.
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    examples = embed_pictures(
        [example for kind in kinds for example in kind.examples],
        budget=int(budget * _EXAMPLE_SHARE),
        longest_side=_EXAMPLE_SIDE,
        full_ranges=full_ranges,
    )
    data = {
        "key": queue_key(run, dataset, ids),
        "run": run,
        "dataset": dataset,
        "folder": folder,
        "progress": {name: None if progress[name] is None else int(progress[name]) for name in _COUNTS}
        | {"advice": progress["advice"]},
        "kinds": _describe_kinds(kinds, iter(examples)),
        "images": [
            {"id": image.image_id, "overlay": "" if image.overlay is None else embed_overlay(image.overlay)}
            for image in queue
        ],
    }
    frame = len(style) + len(script) + len(as_json(data))
    pictures = embed_pictures(
        [(image.image_id, image.path) for image in queue],
        budget=max(0, budget - frame - 300 * len(queue) - 10_000),
        longest_side=longest_side,
        full_ranges=full_ranges,
    )
    for image, picture in zip(data["images"], pictures, strict=True):
        image |= _describe_picture(picture)
    html = environment.get_template("label.html").render(
        run=run,
        style=Markup(style),
        style_hash=policy_hash(style),
        script=Markup(script),
        script_hash=policy_hash(script),
        data=Markup(as_json(data)),
    )
    with written_whole(output) as partial:
        partial.write_text(html, encoding="utf-8", newline="\n")


def queue_key(run: str, dataset: str, image_ids: Sequence[str]) -> str:
    """Name the place where a browser keeps the answers to a queue: sha256, hexadecimal, of all three arguments."""
    return hashlib.sha256(json.dumps([run, dataset, list(image_ids)]).encode()).hexdigest()


def _check_kinds(kinds: Sequence[LabelKind]) -> None:
    if not kinds:
        raise ValueError("there is no class to label with; name at least one")
    names, keys = set(), set()
    for kind in kinds:
        key = kind.key.lower()
        if len(kind.key) != 1 or not kind.key.isprintable() or kind.key.isspace():
            raise ValueError(f"the key of class {kind.name!r} is {kind.key!r}; give it one character that can be typed")
        if key in RESERVED_KEYS:
            own = " ".join(sorted(RESERVED_KEYS))
            raise ValueError(
                f"the key {kind.key!r} of class {kind.name!r} is one of the page's ({own}); choose another"
            )
        if kind.name in UNDECIDED or not kind.name:
            raise ValueError(f"a class cannot be called {kind.name!r}; that is another answer, choose another name")
        if kind.name in names or key in keys:
            raise ValueError(f"class {kind.name!r} (key {kind.key!r}) shares its name or its key with another class")
        names.add(kind.name)
        keys.add(key)


def _describe_kinds(kinds: Sequence[LabelKind], pictures) -> list[dict]:
    return [
        {"name": kind.name, "key": kind.key, "description": kind.description}
        | {"examples": [{"id": image_id} | _describe_picture(next(pictures)) for image_id, _ in kind.examples]}
        for kind in kinds
    ]


def _describe_picture(picture: EmbeddedPicture) -> dict:
    return {
        "src": picture.uri,
        "size": [picture.width, picture.height],
        "shown": [picture.shown_width, picture.shown_height],
        "lossless": picture.lossless,
        "problem": picture.problem,
    }


def as_json(data) -> str:
    """Return data as a page's script element holds it: pure ASCII, without ``<``, so that no text can end it."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def policy_hash(text: str) -> str:
    """Return what a page's policy calls a style or a script that it allows: the sha256 in base64."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
