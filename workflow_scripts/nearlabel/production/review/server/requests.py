"""Reading requests strictly: what is not exactly as the page sends it is refused with a sentence."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from nearlabel.production.review.filters import LARGEST_ID
from nearlabel.production.review.words import CONFIRM, CORRECT, UNDO, Word, clean_name

LARGEST_BODY = 256 * 1024
"""Bytes: some hundred words at once."""

BODY_SECONDS = 10
"""How long the whole body of a request may take."""

MOST_WORDS = 500

_REQUEST = re.compile(r"[A-Za-z0-9-]{16,64}")
_NODE = re.compile(r"root(\.\d+)*", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_query(request: Request) -> dict[str, str]:
    """Return the parameters of a request, each given once.

    Raises
    ------
    HTTPException
        400.
    """
    pairs = request.query_params.multi_items()
    found = dict(pairs)
    if len(found) < len(pairs):
        raise HTTPException(400, "A parameter is given twice.")
    return found


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request's body.

    Raises
    ------
    HTTPException
        400: no JSON object, or a name that it has twice; 408: too slow; 413: too large; 415: another media type.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json" or "content-encoding" in request.headers:
        raise HTTPException(415, "The body must be application/json, not compressed.")
    too_large = HTTPException(413, f"The body may have {LARGEST_BODY} bytes at most.", {"Connection": "close"})
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                content += part
                if len(content) > LARGEST_BODY:
                    raise too_large
    except TimeoutError as error:
        raise HTTPException(408, "The body came too slowly.", {"Connection": "close"}) from error
    except ClientDisconnect as error:
        raise HTTPException(400, "The body was not sent whole.") from error
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "The body is not JSON, or a name stands in it twice.") from error
    if not isinstance(found, dict):
        raise HTTPException(400, "The body is not a JSON object.")
    return found


def read_words(body: Mapping[str, Any]) -> tuple[str, list[Word]]:
    """Return the operator and the words of a body.

    Raises
    ------
    HTTPException
        400.
    """
    _only(body, ("operator", "words"))
    words = body.get("words")
    if not isinstance(words, list) or not 0 < len(words) <= MOST_WORDS:
        raise HTTPException(400, f"There must be 1 to {MOST_WORDS} words.")
    return read_name(body, "operator"), [_read_word(word) for word in words]


def read_naming(body: Mapping[str, Any]) -> tuple[str, int, str, str]:
    """Return operator, event, label and request of a body that names a proposal.

    Raises
    ------
    HTTPException
        400.
    """
    _only(body, ("operator", "event", "label", "request"))
    request = _matching(body, "request", _REQUEST)
    return read_name(body, "operator"), _id(body, "event"), read_name(body, "label"), request


def read_name(body: Mapping[str, Any], field: str) -> str:
    """Return a name of a body, in one form.

    Raises
    ------
    HTTPException
        400.
    """
    text = body.get(field)
    if not isinstance(text, str):
        raise HTTPException(400, f"There is no {field}.")
    try:
        return clean_name(f"The {field}", text)
    except ValueError as error:
        raise HTTPException(400, f"{error}.") from error


def read_sha256(text: str) -> str:
    """Return what names an image.

    Raises
    ------
    HTTPException
        404.
    """
    if not _SHA256.fullmatch(text):
        raise HTTPException(404, "There is no such image.")
    return text


def _read_word(word: Any) -> Word:
    if not isinstance(word, dict):
        raise HTTPException(400, "A word is not a JSON object.")
    _only(word, ("request", "image", "label_id", "action", "label", "node", "undoes"))
    action = word.get("action")
    if action not in (CONFIRM, CORRECT, UNDO):
        raise HTTPException(400, "A word's action must be confirm, correct or undo.")
    own = {CONFIRM: (), CORRECT: ("label", "node"), UNDO: ("undoes",)}[action]
    if any(name in word and name not in own for name in ("label", "node", "undoes")):
        raise HTTPException(400, f"A word to {action} has a field of another.")
    texts = {name: read_name(word, name) for name in ("label", "node") if word.get(name, "") != ""}
    if not _NODE.fullmatch(texts.get("node", "root")):
        raise HTTPException(400, "The node is none.")
    if action == CORRECT and not texts:
        raise HTTPException(400, "A correction names neither a label nor a group.")
    if action == UNDO:
        texts["undoes"] = _matching(word, "undoes", re.compile(_REQUEST.pattern + r"(/\d{1,19})?"))
    request, image = _matching(word, "request", _REQUEST), _matching(word, "image", _SHA256)
    return Word(request, image, _id(word, "label_id"), action, **texts)


def _id(body: Mapping[str, Any], field: str) -> int:
    number = body.get(field)
    # True is an int.
    if type(number) is not int or not 0 < number <= LARGEST_ID:
        raise HTTPException(400, f"The {field} is not the number of a row.")
    return number


def _matching(body: Mapping[str, Any], field: str, pattern: re.Pattern) -> str:
    text = body.get(field)
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise HTTPException(400, f"The {field} is not of the form that the page sends.")
    return text


def _only(body: Mapping[str, Any], names: tuple[str, ...]) -> None:
    if any(name not in names for name in body):
        raise HTTPException(400, "A field is unknown.")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")
