"""What all sections of the configuration share."""

import os
import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_ID, _NODE = r"^[A-Za-z0-9][A-Za-z0-9_-]*$", r"^root(\.(0|[1-9][0-9]*))*$"
DEVICE = r"^(auto|cpu|cuda(:[0-9]+)?)$"
PATTERNS = {
    DEVICE: "a device; write auto, cpu, cuda or cuda:0",
    _ID: "a name of letters, digits, _ and -, which begins with a letter or digit",
    _NODE: "a node; write root, root.1 (its cluster 1), root.1.25",
}
Id = Annotated[str, Field(pattern=_ID)]
Node = Annotated[str, Field(pattern=_NODE)]
# Labels that are the same to the eye are the same: letters as Unicode composes them.
Label = Annotated[str, AfterValidator(lambda label: unicodedata.normalize("NFC", label))]
Share = Annotated[float, Field(ge=0, le=1)]


def _refuse_other_words(distance):
    if distance is None or (isinstance(distance, str) and distance != "none" and not distance.isdecimal()):
        raise ValueError(f"write a number of bits from 0 to 64, or none, not {distance!r}")
    return distance


DuplicateDistance = Annotated[
    Annotated[int, Field(ge=0, le=64)] | Literal["none"],
    Field(
        description="Images whose perceptual hashes differ in at most so many bits, and that a second look finds to "
        "show one thing, stay in one fold; none: equal files and images of one part alone."
    ),
    BeforeValidator(_refuse_other_words),
]


class ConfigError(ValueError):
    """A configuration that cannot be run: a sentence for each problem, which names the key and what to do.

    Parameters
    ----------
    problems : sequence of str
        The sentences.
    """

    def __init__(self, problems: Sequence[str]):
        self.problems = list(dict.fromkeys(problems))
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        one = len(self.problems) == 1
        super().__init__(f"config: {self.problems[0]}" if one else f"config: {len(self.problems)} errors:{lines}")


class Problems(ValueError):
    """What is wrong with one part of a configuration, a sentence each."""

    def __init__(self, problems: Sequence[str]):
        super().__init__("; ".join(problems))
        self.problems = list(problems)


class Model(BaseModel):
    """A section: unknown keys are refused, no number is infinite, and numbers serve where text is asked for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


def expand_path(path: str) -> str:
    """Expand ``~``, ``$NAME`` and ``${NAME}`` at the head of a path or within it.

    Parameters
    ----------
    path : str
        As it is written.

    Returns
    -------
    str
        A path whose letters are composed otherwise on disk is given as it is there.

    Raises
    ------
    ValueError
        There is no such variable or user.
    """
    expanded = os.path.expanduser(path)
    if re.match(r"~[^/]*(/|$)", expanded):
        raise ValueError(f"{path!r} begins with the home folder of a user who is not known here; write the whole path")
    # A file that has a dollar sign in its name is meant as it stands.
    if not os.path.lexists(expanded):
        expanded = re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda match: _variable(match[1] or match[2], path), expanded)
    spellings = (expanded, *(unicodedata.normalize(form, expanded) for form in ("NFC", "NFD")))
    return next(filter(os.path.lexists, spellings), expanded)


def _variable(name: str, path: str) -> str:
    if name not in os.environ:
        raise ValueError(f"{path!r} names the environment variable {name}, which is not set; set it or write the path")
    return os.environ[name]


FileName = Annotated[str, AfterValidator(expand_path)]
