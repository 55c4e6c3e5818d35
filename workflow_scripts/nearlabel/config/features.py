"""The encoders: what turns images into features."""

from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import Field, model_validator

from nearlabel.config.base import DEVICE, Id, Model
from nearlabel.features.catalogue import OWN_ENCODERS, list_networks

Geometry = Literal["official", "squash", "tile", "native"]

WINNER = "winner"  # stands for the parent's winning encoder in paths below the root


class Features(Model):
    """Defaults of every encoder; an entry of `encoders` may override each of them."""

    weights: str = Field("imagenet", description="imagenet, a named torchvision enum, a file, or seeded (untrained).")
    weights_dir: str | None = Field(None, description="Folder with downloaded weight files, for machines offline.")
    weights_mirror: str | None = Field(None, description="Base URL that serves the weight files.")
    geometry: Geometry = Field("squash", description="How an image is brought to the network's size.")
    image_size: int | None = Field(None, ge=8, description="Side in pixels; absent: the weights' own.")
    tile_overlap: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Least overlap of neighbouring tiles, as a share of a tile (geometry: tile)."
    )
    tile_pool: Literal["mean", "max"] = Field("mean", description="How the tiles' features are pooled.")
    batch_size: int = Field(32, ge=1, description="Images (or tiles) per forward pass; part of what features mean.")
    threads: int = Field(1, ge=1, description="Threads of the network.")
    workers: int = Field(1, ge=0, description="Processes that decode images; 0 decodes in the job itself.")
    device: str = Field("auto", pattern=DEVICE, description="auto, cpu, cuda or cuda:N.")


class Encoder(Features):
    """One encoder, complete: what `features` says, then what its own entry says."""

    id: Id
    name: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    module: str | None = Field(None, description="custom: Python file with the network.")
    callable: str | None = Field(None, description="custom: function in it that returns the network.")

    @model_validator(mode="after")
    def _check_custom(self):
        if self.id == WINNER:
            raise ValueError(f"the id '{WINNER}' is reserved for the parent's winning encoder; give another id")
        own, known = OWN_ENCODERS.get(self.name), list_networks()
        if known and not own and self.name not in known:
            near = ", ".join(get_close_matches(self.name, [*OWN_ENCODERS, *known], 3)) or "resnet50"
            names = ", ".join(OWN_ENCODERS)
            raise ValueError(f"'{self.name}' is no encoder: not {names} or a torchvision classifier ({near}?)")
        if self.name == "custom" and not (self.module and self.callable):
            raise ValueError("a custom encoder needs `module` (a Python file) and `callable` (a function in it)")
        if self.name != "custom" and (self.module or self.callable):
            raise ValueError("`module` and `callable` belong to encoders with `name: custom`")
        if self.name == "custom" and self.weights in ("imagenet", "seeded"):
            raise ValueError("a custom encoder needs `weights`: the file with its state dict")
        # What an encoder does not use must not tell two of its runs apart.
        if own and not own.weights:
            self.weights, self.batch_size, self.threads = "none", 1, 1
        if self.geometry != "tile":
            self.tile_overlap, self.tile_pool = 0.0, "mean"
        if self.geometry == "native":
            self.image_size, self.batch_size = None, 1
        return self
