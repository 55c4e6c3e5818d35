"""What is wrong with a configuration, in sentences: the key, the problem, what to do, and where it stands."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from nearlabel.config.base import PATTERNS
from nearlabel.config.datasets import KINDS
from nearlabel.config.text import ConfigText, describe_change

_UNION_TAGS = re.compile(r"^(list\[|dict\[|str$|int$|float$|literal\[|bool$|constrained|\[key\]$)|function-")

# What was asked for, where pydantic says that something is of another type.
_TYPES = {
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
    "list_type": "a list",
    "string_type": "text",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
}
# What a union says of members that were not meant.
_OF_UNIONS = {"literal_error", *_TYPES}


def describe_error(
    error: ValidationError, model: type[BaseModel], where: Sequence[str] = (), text: ConfigText | None = None
) -> list[str]:
    """Say what is wrong with a section, a sentence for each key.

    Parameters
    ----------
    error : ValidationError
        From `model`.
    model : type of BaseModel
        What the section should be.
    where : sequence of str
        Keys of the section.
    text : ConfigText, optional
        What is written, for file and line.

    Returns
    -------
    list of str
        In the order of the keys.
    """
    found: dict[tuple[str, ...], list[dict]] = {}
    fields: dict[tuple[str, ...], list[str]] = {}
    for problem in error.errors(include_url=False):
        keys, kind = _keys(problem["loc"])
        found.setdefault(keys, []).append(problem)
        fields[keys] = _fields_at(model, keys[:-1], kind) if problem["type"] == "extra_forbidden" else []
    # What YAML has changed is often the reason of another error.
    described = text.changes(lambda keys: _asks_for_text(model, keys[len(where) :]), where) if text else []
    for keys, problems in found.items():
        # Every member of a union complains: what a member that was not meant says of the whole does not count.
        meant = [problem for problem in problems if problem["type"] not in _OF_UNIONS]
        deeper = any(other[: len(keys)] == keys != other for other in found)
        if meant or not deeper:
            described.append(_describe((*where, *keys), meant or problems, fields[keys], text))
    return list(dict.fromkeys(described))


def close_names(name: str, known: Sequence[str], count: int = 3) -> list[str]:
    """Return the known names that were probably meant: the same but for case, hyphens and the like, or close ones."""
    plain = {_plain(one): one for one in reversed(known)}
    return [plain[close] for close in get_close_matches(_plain(name), list(plain), count, 0.7)]


def locate(sentence: str, text: ConfigText | None) -> str:
    """Add to a sentence that begins with a key where that stands."""
    keys = sentence.split(maxsplit=1)[0].rstrip(":").split(".") if text and sentence.split() else []
    place = text.place(keys) if keys else ""
    return f"{sentence} ({place})" if place and not sentence.endswith(")") else sentence


def _describe(keys: tuple[str, ...], problems: list[dict], fields: Sequence[str], text: ConfigText | None) -> str:
    problem, kinds = problems[0], [one["type"] for one in problems]
    path, kind, given = ".".join(keys), kinds[0], problem.get("input")
    changed = text.changed(keys) if text else None
    if changed and {"string_type", "string_pattern_mismatch"} & set(kinds):
        return describe_change(path, changed)
    if kind == "extra_forbidden":
        hint = _did_you_mean(keys[-1], fields) or "; see config/README.md for the keys"
        sentence = f"{path} is not a known key{hint}"
    elif kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = problem["ctx"].get("tag")
        said = f"{path}.kind: {tag!r} is unknown" if tag is not None else f"{path}.kind is missing"
        sentence = f"{said}; choose one of {', '.join(sorted(KINDS))}" + _did_you_mean(tag, KINDS)
    elif kind == "string_pattern_mismatch" and problem["ctx"]["pattern"] in PATTERNS:
        sentence = f"{path}: {given!r} is not {PATTERNS[problem['ctx']['pattern']]}"
    elif kind == "missing":
        sentence = f"{path} is missing"
    elif kind == "value_error":
        reason = str(problem["ctx"]["error"])
        if not path or reason.startswith(("grouping.", "learning.", "datasets.")):
            return locate(reason, text)
        read = f"; YAML reads {changed.text} as {changed.value}" if changed else ""
        sentence = f"{path}: {reason}{read}"
    else:
        written = changed.text if changed else repr(given)
        shown = f", not {written}" if isinstance(given, str | int | float | bool | list) or given is None else ""
        types = [_TYPES[one] for one in kinds if one in _TYPES]
        reason = f"must be {' or '.join(dict.fromkeys(types))}" if types else _reason(problem)
        hint = _did_you_mean(given, re.findall(r"'([^']*)'", problem["msg"])) if kind == "literal_error" else ""
        sentence = f"{path}: {reason}{shown}{hint}"
    place = text.place(keys) if text else ""
    return f"{sentence} ({place})" if place else sentence


def _reason(problem: dict) -> str:
    if problem["type"] == "too_short":
        return f"must have at least {problem['ctx']['min_length']} items"
    if problem["type"] == "too_long":
        return f"must have at most {problem['ctx']['max_length']} items"
    return problem["msg"][0].lower() + problem["msg"][1:]


def _did_you_mean(given: Any, known: Sequence[str]) -> str:
    close = close_names(given, known, 1) if isinstance(given, str) else []
    return f"; did you mean {close[0]}?" if close else ""


def _keys(loc: Sequence[str | int]) -> tuple[tuple[str, ...], str | None]:
    """Keys of a problem without the tags of unions, which are none, and the kind of its data set."""
    parts, kind = [str(part) for part in loc], None
    if parts[:1] == ["datasets"] and len(parts) > 2 and parts[2] in KINDS:
        kind = parts.pop(2)
    return tuple(part for part in parts if not _UNION_TAGS.match(part)), kind


def _fields_at(model: type[BaseModel], keys: Sequence[str], kind: str | None) -> list[str]:
    """Names of the keys that a section may have."""
    sections = [model]
    for key in keys:
        inner = [
            found
            for section in sections
            if key in section.model_fields
            for found in _sections_in(section.model_fields[key].annotation)
        ]
        sections = inner or sections  # a name in a mapping, a position in a list
    if kind:
        sections = [one for one in sections if kind in get_args(one.model_fields["kind"].annotation)]
    return list(dict.fromkeys(name for section in sections for name in section.model_fields))


def _asks_for_text(model: type[BaseModel], keys: Sequence[str]) -> bool:
    """Whether a value must be text."""
    sections, types = [model], []
    for key in keys:
        if found := [section.model_fields[key].annotation for section in sections if key in section.model_fields]:
            types = [one for annotation in found for one in _types_in(annotation)]
            sections = [section for annotation in found for section in _sections_in(annotation)]
    return str in types and not {int, float, bool, Any} & set(types)


def _types_in(annotation: Any) -> list[Any]:
    inner = get_args(annotation)
    return [one for part in inner for one in _types_in(part)] if inner else [annotation]


def _sections_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections_in(part)]


def _plain(name: str) -> str:
    return re.sub(r"[\s_.-]", "", name.casefold())
