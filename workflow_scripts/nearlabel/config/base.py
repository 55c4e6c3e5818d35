"""What all sections of the configuration share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_ID, _NODE = r"^[A-Za-z0-9][A-Za-z0-9_-]*$", r"^root(\.(0|[1-9][0-9]*))*$"
DEVICE = r"^(auto|cpu|cuda(:[0-9]+)?)$"
PATTERNS = {
    DEVICE: "a device; write auto, cpu, cuda or cuda:0",
    _ID: "a name of letters, digits, _ and -, which begins with a letter or digit",
    _NODE: "a node; write root, root.1 (its cluster 1), root.1.25",
}
Id = Annotated[str, Field(pattern=_ID)]
Node = Annotated[str, Field(pattern=_NODE)]
Share = Annotated[float, Field(ge=0, le=1)]


class Model(BaseModel):
    """A section: unknown keys are refused, no number is infinite, and numbers serve where text is asked for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)
