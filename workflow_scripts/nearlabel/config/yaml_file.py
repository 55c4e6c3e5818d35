"""One config file as it is written: its keys with their lines, and what YAML reads as something else."""

import json
import os
import unicodedata
from collections.abc import Hashable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from nearlabel.config.base import ConfigError

Keys = tuple[str, ...]
"""Where a value stands: keys as they are written, and positions in lists."""

_MERGE, _TEXT = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:str"


class Scalar(NamedTuple):
    """A value or key that YAML reads as something other than the text that stands there.

    Attributes
    ----------
    text : str
        As it is written.
    value : object
        What YAML makes of it.
    place : str
        File and line, or the command line's option.
    is_key : bool
    """

    text: str
    value: Any
    place: str
    is_key: bool


class Entry(NamedTuple):
    """A key or an item of a list.

    Attributes
    ----------
    keys : tuple of str
    place : str
        File and line.
    replaces : bool
        Whether it takes the place of what an earlier file says there; mappings are merged.
    changed : list of Scalar
        The key, the value or both where YAML changes them.
    """

    keys: Keys
    place: str
    replaces: bool
    changed: list[Scalar]


def read_entries(file: str | PathLike) -> list[Entry]:
    """Read a config file.

    Parameters
    ----------
    file : str or path-like
        YAML, or JSON, which is YAML as well.

    Returns
    -------
    list of Entry
        All its keys and items in their order.

    Raises
    ------
    ConfigError
        It is missing, is not YAML, or has a key twice; one sentence with file and line.
    """
    try:
        text = Path(file).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([f"{file}: there is no such config file"]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{_shown(file)}, line {line}: not UTF-8, as a config file must be; save it so"]) from None
    except OSError as error:
        raise ConfigError([f"{file} is no config file: {error.strerror}"]) from None
    return list(_Reader(text, _shown(file)).entries())


class _Reader:
    def __init__(self, text: str, name: str):
        self._name = name
        self._above: list[yaml.Node] = []
        try:
            json.loads(text)
            text = text.replace("\t", " ")  # which JSON, unlike YAML, may have between its tokens
        except ValueError:
            pass
        try:
            self._loader = yaml.FullLoader(text)
            self._root = self._loader.get_single_node()
            yaml.load(text, Loader=yaml.FullLoader)  # what has a tag, or a key that is a list, fails here
        except yaml.YAMLError as error:
            raise ConfigError([_describe_yaml_error(error, text, name)]) from None
        except ValueError:  # a value, whose line is told below
            pass
        if not isinstance(self._root, yaml.MappingNode):
            raise ConfigError([f"{name}: a config file has keys at its top, such as run: and datasets:"])

    def entries(self) -> Iterator[Entry]:
        yield from self._below(self._root, ())

    def _below(self, node: yaml.Node, keys: Keys) -> Iterator[Entry]:
        if any(node is above for above in self._above):  # an alias of what it stands in
            return
        self._above.append(node)
        if isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                own = (*keys, str(i))
                yield Entry(own, self._place(item), False, self._changed(item, False))
                yield from self._below(item, own)
        elif isinstance(node, yaml.MappingNode):
            self._refuse_repeats(node, keys)
            self._loader.flatten_mapping(node)
            for key, value in node.value:
                own = (*keys, key.value)
                changed = self._changed(key, True) + self._changed(value, False)
                yield Entry(own, self._place(key), not isinstance(value, yaml.MappingNode), changed)
                yield from self._below(value, own)
        self._above.pop()

    def _refuse_repeats(self, node: yaml.MappingNode, keys: Keys) -> None:
        lines: dict[Any, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            # As text, and as what YAML makes of it: 1 and "1", 1 and 01.
            names = {unicodedata.normalize("NFC", key.value), self._construct(key)}
            for name in names & set(lines):
                path = ".".join((*keys, key.value))
                raise ConfigError(
                    [f"{self._place(key)}: the key {path} is there a second time, after line {lines[name]}; keep one"]
                )
            lines |= dict.fromkeys(names, key.start_mark.line + 1)

    def _changed(self, node: yaml.Node, is_key: bool) -> list[Scalar]:
        if not isinstance(node, yaml.ScalarNode) or node.style is not None or node.tag == _TEXT:
            return []
        value = self._construct(node)
        as_written = isinstance(value, int | float) and not isinstance(value, bool) and str(value) == node.value
        return [] if as_written else [Scalar(node.value, value, self._place(node), is_key)]

    def _construct(self, node: yaml.ScalarNode) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (ValueError, yaml.YAMLError) as error:
            raise ConfigError(
                [f"{self._place(node)}: {node.value} cannot be read ({error}); put it in quotes"]
            ) from None
        return value if isinstance(value, Hashable) else node.value

    def _place(self, node: yaml.Node) -> str:
        return f"{self._name}, line {node.start_mark.line + 1}"


def _describe_yaml_error(error: yaml.YAMLError, text: str, name: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1
        return f"{name}, line {line}: a character that YAML does not allow ({text[error.position]!r}); remove it"
    mark = error.problem_mark or error.context_mark
    lines = text.split("\n")
    before = lines[mark.line][: mark.column + 1] if mark.line < len(lines) else ""
    if "\t" in before:
        return f"{name}, line {mark.line + 1}: a tab, which YAML does not allow there; indent with spaces"
    problem = " ".join(" ".join(filter(None, (error.context, error.problem))).split())
    start = error.context_mark
    since = f", begun in line {start.line + 1}" if start and start.line != mark.line else ""
    return f"{name}, line {mark.line + 1}, column {mark.column + 1}: not YAML: {problem}{since}"


def _shown(file: str | PathLike) -> str:
    """A file's path from here, where it lies below."""
    try:
        return os.fspath(Path(file).absolute().relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(file)
