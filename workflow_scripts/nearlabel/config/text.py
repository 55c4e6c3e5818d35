"""What config files and the command line say as they are written: YAML takes 010 for 8, no for false, 1.10 for 1.1."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

import yaml
from pydantic import BaseModel

from nearlabel.config.yaml_file import Entry, Keys, Scalar, read_entries

_OPTION = "--config"


class ConfigText:
    """The text of a configuration.

    Parameters
    ----------
    files : iterable of path
        Config files; what a later one says takes the place of what an earlier one does, key by key.
    arguments : sequence of str
        ``key=value``, as for Snakemake's ``--config``; they come last.

    Raises
    ------
    ConfigError
        A file is missing, is not YAML, or has a key twice; with file and line.
    """

    def __init__(self, files: Iterable[str | PathLike] = (), arguments: Sequence[str] = ()):
        self._changed: dict[Keys, list[Scalar]] = {}
        self._places: dict[Keys, str] = {}
        for file in files:
            for entry in read_entries(file):
                self._take(entry)
        for argument in arguments:
            for entry in _read_argument(argument):
                self._take(entry)

    def place(self, keys: Sequence[str]) -> str:
        """Return file and line of a key, or of the innermost one around it; empty where none is known."""
        keys = tuple(keys)
        while keys and keys not in self._places:
            keys = keys[:-1]
        return self._places.get(keys, "")

    def changed(self, keys: Sequence[str]) -> Scalar | None:
        """Return the value that is written where YAML reads something else; None elsewhere."""
        return next((scalar for scalar in self._changed.get(tuple(keys), []) if not scalar.is_key), None)

    def restore_keys(self, raw: Any, keys: Keys = ()) -> Any:
        """Return a configuration with all its keys as they are written."""
        if isinstance(raw, list):
            return [self.restore_keys(value, (*keys, str(i))) for i, value in enumerate(raw)]
        if not isinstance(raw, Mapping):
            return raw
        written = {
            scalar.value: place[-1]
            for place, scalars in self._changed.items()
            for scalar in scalars
            if scalar.is_key and place[:-1] == keys
        }
        restored = {key if isinstance(key, str) else written.get(key, key): value for key, value in raw.items()}
        return {key: self.restore_keys(value, (*keys, str(key))) for key, value in restored.items()}

    def refusals(self, built: Any, where: Keys = ()) -> list[str]:
        """List what YAML has changed where text is asked for.

        Parameters
        ----------
        built : BaseModel
            What was made of the configuration, or of a part of it.
        where : tuple of str
            Keys of that part.

        Returns
        -------
        list of str
            A sentence for each.
        """
        found = []
        for keys, scalars in self._changed.items():
            if keys[: len(where)] != where:
                continue
            for scalar in scalars:
                # Keys of a section have names of their own; those of a mapping are the user's text.
                around = keys[len(where) : -1] if scalar.is_key else keys[len(where) :]
                value = _look_up(built, around)
                if isinstance(value, Mapping if scalar.is_key else str):
                    found.append(describe_change(".".join(keys), scalar))
                elif isinstance(scalar.value, bool) and type(value) in (int, float):
                    found.append(f"{'.'.join(keys)}: must be a number, not {scalar.text} ({scalar.place})")
        return found

    def changes(self, asks_for_text: Callable[[Keys], bool], where: Keys = ()) -> list[str]:
        """List the values that YAML has changed below some keys where text is asked for, a sentence for each."""
        return [
            describe_change(".".join(keys), scalar)
            for keys, scalars in self._changed.items()
            if keys[: len(where)] == tuple(where) and asks_for_text(keys)
            for scalar in scalars
            if not scalar.is_key and scalar.value is not None
        ]

    def _take(self, entry: Entry) -> None:
        if entry.replaces:
            for keys in [keys for keys in self._places if keys[: len(entry.keys)] == entry.keys]:
                del self._places[keys]
                # The key itself stays what it is.
                kept = [one for one in self._changed.pop(keys, []) if one.is_key and keys == entry.keys]
                self._changed |= {keys: kept} if kept else {}
        self._places[entry.keys] = entry.place
        others = [one for one in self._changed.get(entry.keys, []) if not (entry.changed and one.is_key)]
        if others or entry.changed:
            self._changed[entry.keys] = [*others, *entry.changed]


def describe_change(path: str, scalar: Scalar) -> str:
    """Say what YAML has made of a text, and what to write instead."""
    value = scalar.value
    shown = str(value)
    if value is None:
        shown = "nothing"
    elif isinstance(value, bool):
        shown = shown.lower()
    elif not isinstance(value, int | float):
        shown = "a date"
    if not scalar.text:
        return f"{path} is empty; write a text ({scalar.place})"
    read = f"{'the key ' if scalar.is_key else ''}{scalar.text} is {shown} to YAML"
    if scalar.place == _OPTION:
        return f"{path}: {scalar.text} is read as {shown}; write {_OPTION} \"{path}='{scalar.text}'\""
    return f"{path}: {read}; write '{scalar.text}' in quotes ({scalar.place})"


def _read_argument(argument: str) -> list[Entry]:
    """Read ``key=value`` as Snakemake does: a number, True or False, or YAML whose values are all text."""
    key, _, text = argument.partition("=")
    for read in (int, float, {"True": True, "False": False}.__getitem__):
        try:
            value = read(text)
        except (ValueError, KeyError):
            continue
        as_written = str(value) == text and not isinstance(value, bool)
        return [Entry((key,), _OPTION, True, [] if as_written else [Scalar(text, value, _OPTION, False)])]
    try:
        return list(_leaves((key,), yaml.load(text, Loader=yaml.BaseLoader)))
    except yaml.YAMLError:  # text, to Snakemake
        return [Entry((key,), _OPTION, True, [])]


def _leaves(keys: Keys, value: Any) -> Iterable[Entry]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _leaves((*keys, str(name)), below)
    else:
        yield Entry(keys, _OPTION, True, [])


def _look_up(built: Any, keys: Keys) -> Any:
    for key in keys:
        if isinstance(built, BaseModel):
            built = getattr(built, key, None) if key in type(built).model_fields else None
        elif isinstance(built, Mapping):
            built = built.get(key)
        elif isinstance(built, list | tuple) and key.isdecimal() and int(key) < len(built):
            built = built[int(key)]
        else:
            return None
    return built
