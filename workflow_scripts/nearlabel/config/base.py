"""What all sections of the configuration share."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from nearlabel.parameters import Parameter

_ID, _NODE = r"^[A-Za-z0-9][A-Za-z0-9_-]*$", r"^root(\.(0|[1-9][0-9]*))*$"
PATTERNS = {
    _ID: "a name of letters, digits, _ and -, which begins with a letter or digit",
    _NODE: "a node; write root, root.1 (its cluster 1), root.1.25",
}
Id = Annotated[str, Field(pattern=_ID)]
Node = Annotated[str, Field(pattern=_NODE)]
Share = Annotated[float, Field(ge=0, le=1)]


class Model(BaseModel):
    """A section: unknown keys are refused, no number is infinite, and numbers serve where text is asked for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


def complete_parameters(name: str, given: dict[str, Any], known: dict[str, Parameter]) -> dict[str, Any]:
    """Check the parameters of an algorithm or a model and fill in its defaults.

    Parameters
    ----------
    name : str
        Of the algorithm or model, for messages.
    given : dict
        Parameter → value; text that stands for a number is read as one.
    known : dict of str to Parameter
        All that it has.

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
            raise ValueError(f"{name} has no parameter '{parameter}'; it has {', '.join(known)}")
        if problem := known[parameter].problem(value):
            raise ValueError(f"parameter '{parameter}' of {name} {problem}, not {value!r}")
    return {parameter: read.get(parameter, known[parameter].default) for parameter in known}
