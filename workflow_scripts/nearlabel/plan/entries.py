"""Entries of lists in a configuration, such as encoders: each built with its defaults, all problems said at once."""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from nearlabel.config import ConfigText, describe_error
from nearlabel.config.base import Problems
from nearlabel.config.errors import locate
from nearlabel.config.features import Encoder, Features
from nearlabel.config.grouping import Algorithm, PostModel
from nearlabel.config.learning import StoppingRule
from nearlabel.config.training import LearningNetwork, Strategy


class EntryBuilder:
    """Builds entries and collects what is wrong with them.

    Parameters
    ----------
    text : ConfigText or None
        What is written in the config files.

    Attributes
    ----------
    problems : list of str
        What was wrong so far, a sentence each.
    """

    def __init__(self, text: ConfigText | None):
        self._text = text
        self.problems: list[str] = []

    def build(self, where: str, model: type[BaseModel], values: dict) -> Any:
        """Build one entry.

        Parameters
        ----------
        where : str
            Its key, such as ``grouping.levels.0.encoders.1``.
        model : type of BaseModel
        values : dict
            What it and the sections that it inherits from say.

        Raises
        ------
        Problems
            It cannot be built, or YAML has changed a text in it.
        """
        keys = tuple(where.split("."))
        try:
            built = model.model_validate(values)
        except ValidationError as error:
            raise Problems(describe_error(error, model, keys, self._text)) from None
        if self._text and (changed := self._text.refusals(built, keys)):
            raise Problems(changed)
        return built

    def attempt(self, function: Callable, *arguments: Any) -> Any:
        """Call a function; None where it raises a ValueError, whose sentences are kept."""
        try:
            return function(*arguments)
        except Problems as error:
            self.problems += error.problems
        except ValueError as error:
            self.refuse(str(error))
        return None

    def attempt_all(self, where: str, resolve: Callable, entries: list) -> list:
        """Call a function with key and text of each entry of a list; what it returned where it raised nothing."""
        resolved = [self.attempt(resolve, f"{where}.{i}", entry) for i, entry in enumerate(entries)]
        return [entry for entry in resolved if entry is not None]

    def refuse(self, problem: str) -> None:
        """Keep what is wrong: a sentence that begins with its key."""
        self.problems.append(locate(problem, self._text))

    def raise_problems(self) -> None:
        """Raise all problems so far, if any."""
        if self.problems:
            raise Problems(self.problems)


def entry_problems(raw: dict, text: ConfigText | None) -> list[str]:
    """List what is wrong with the entries of a configuration that is wrong elsewhere: a sentence for each."""
    builder = EntryBuilder(text)
    for where, model, entry in _list_entries(raw):
        if isinstance(entry, str | dict):
            inherited = Features().model_dump() if issubclass(model, Features) else {}
            own = with_id(entry)
            if model is LearningNetwork:
                del own["id"]
            builder.attempt(builder.build, where, model, inherited | own)
    return builder.problems


def _list_entries(raw: dict) -> Iterator[tuple[str, type[BaseModel], Any]]:
    """Key, model and text of each entry, as far as the configuration around them can be followed."""
    lists = [
        ("learning.strategies", Strategy, _at(raw, "learning", "strategies")),
        ("learning.stopping", StoppingRule, _at(raw, "learning", "stopping")),
    ]
    for i, level in enumerate(_as_list(_at(raw, "grouping", "levels"))):
        lists.append((f"grouping.levels.{i}.encoders", Encoder, _at(level, "encoders")))
        lists.append((f"grouping.levels.{i}.algorithms", Algorithm, _at(level, "algorithms")))
    for i, entry in enumerate(_as_list(_at(raw, "grouping", "classify"))):
        lists.append((f"grouping.classify.{i}.models", PostModel, _at(entry, "models")))
    for where, model, entries in lists:
        yield from ((f"{where}.{i}", model, entry) for i, entry in enumerate(_as_list(entries)))
    yield from ((f"{half}.encoder", LearningNetwork, _at(raw, half, "encoder")) for half in ("learning", "labelling"))
    yield "labelling.strategy", Strategy, _at(raw, "labelling", "strategy")


def _at(place: Any, *keys: str) -> Any:
    for key in keys:
        place = place.get(key) if isinstance(place, dict) else None
    return place


def _as_list(value: Any) -> list:
    return value if isinstance(value, list) else []


def with_id(entry: str | dict) -> dict[str, Any]:
    """Return an entry as a mapping; its id is its name unless given."""
    return {"id": entry, "name": entry} if isinstance(entry, str) else {"id": entry.get("name"), **entry}


def refuse_repeats(where: str, ids: list[str]) -> None:
    """Refuse two entries of one id."""
    for repeated in {i for i in ids if ids.count(i) > 1}:
        raise ValueError(f"{where} has the id '{repeated}' more than once; give each entry its own id")
