"""Parameters of algorithms, models and query strategies: defaults, and what values make sense.

Standard library only: the configuration is checked against tables of these whenever the workflow is parsed.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of an algorithm, a model or a query strategy.

    Attributes
    ----------
    default : object
        Value when the user names none.
    words : tuple of str
        Texts allowed.
    number : type or None
        ``int`` or ``float`` where numbers are allowed; a whole number serves as float too.
    least, most : float
        Smallest and largest number allowed.
    odd : bool
        Whether the number must be odd.
    """

    default: Any
    words: tuple[str, ...] = ()
    number: type | None = None
    least: float = 0
    most: float = math.inf
    odd: bool = False

    def read(self, value: Any) -> Any:
        """Turn text into the number that it stands for, where there is one; other values are left as they are.

        Values given on the command line arrive as text, and YAML 1.1 takes 1e-4, without a point, for text.
        """
        if self.number is None or not isinstance(value, str) or value in self.words:
            return value
        try:
            return self.number(value)
        except ValueError:
            return value

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with a value, as ``"must be …"``; None when nothing is."""
        if isinstance(value, str) and value in self.words:
            return None
        whole = isinstance(value, int) and not isinstance(value, bool)
        number = whole or (self.number is float and isinstance(value, float))
        if self.number is not None and number and self.least <= value <= self.most:
            return "must be odd" if self.odd and value % 2 == 0 else None
        if self.number is None:
            return f"must be one of {', '.join(self.words)}"
        allowed = [f"'{word}'" for word in self.words]
        end = "" if self.most == math.inf else f" to {self.most}"
        allowed.append(f"a {'whole ' if self.number is int else ''}number from {self.least}{end}")
        return f"must be {' or '.join(allowed)}"


def complete_parameters(name: str, given: Mapping[str, Any], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Check the parameters of an algorithm, a model or a query strategy and fill in its defaults.

    Parameters
    ----------
    name : str
        Of the algorithm, model or strategy, for messages.
    given : mapping
        Parameter → value; text that stands for a number is read as one.
    known : mapping of str to Parameter
        All that it has.

    Returns
    -------
    dict
        A value for each of `known`, in that order.

    Raises
    ------
    ValueError
        Unknown parameter, or a value that it cannot take.
    """
    read = {
        parameter: known[parameter].read(value) if parameter in known else value for parameter, value in given.items()
    }
    for parameter, value in read.items():
        if parameter not in known:
            raise ValueError(f"{name} has no parameter '{parameter}'; it has {', '.join(known) or 'none'}")
        if problem := known[parameter].problem(value):
            raise ValueError(f"parameter '{parameter}' of {name} {problem}, not {value!r}")
    return {parameter: read.get(parameter, known[parameter].default) for parameter in known}
