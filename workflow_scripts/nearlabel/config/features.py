"""The encoders: what turns images into features."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from nearlabel.config.base import DEVICE, FileName, Id, Model, expand_path
from nearlabel.config.errors import close_names
from nearlabel.features.catalogue import OWN_ENCODERS, check_sides, list_networks
from nearlabel.features.pooling.catalogue import POOLINGS, REFERENCE, TEMPERATURE, has_maps

PRECISIONS = ("float32", "tf32", "bfloat16")
Geometry = Literal["official", "squash", "tile", "native"]

_Natural, _Count = Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]
WINNER = "winner"  # stands for the parent's winning encoder in paths below the root
QUERY_NOVELTY = "query_novelty"  # the encoder that tells the query strategy `novelty` how novel images are


def _expand_entry(entry: str | dict[str, Any]) -> str | dict[str, Any]:
    """Expand the paths of an entry as it is given, so that a configuration says the same wherever a job reads it."""
    if isinstance(entry, str):
        return entry
    files = [key for key in ("module", "weights", "weights_dir") if isinstance(entry.get(key), str)]
    return entry | {key: expand_path(entry[key]) for key in files}


# A network by name, or a mapping with its keys.
NetworkEntry = Annotated[str | dict[str, Any], AfterValidator(_expand_entry)]


class Novelty(Model):
    """How `pooling: novelty` weighs the patches of an image."""

    reference: int = Field(REFERENCE, ge=2, description="Images of the reference set that all images are held against.")
    temperature: float = Field(
        TEMPERATURE, gt=0, description="Of the weights, in deviations of novelty; smaller: fewer patches count."
    )
    share: Literal["auto"] | Annotated[float, Field(ge=0, le=1)] = Field(
        "auto", description="Of the novel patches, against average pooling; auto: as the reference set suggests."
    )


class Features(Model):
    """Defaults of every encoder; an entry of `encoders` may override each of them."""

    weights: FileName = Field(
        "imagenet", description="imagenet, a named torchvision enum, a file, or seeded (untrained)."
    )
    weights_dir: FileName | None = Field(None, description="Folder with downloaded weight files, for machines offline.")
    weights_mirror: str | None = Field(None, description="Base URL that serves the weight files.")
    geometry: Geometry = Field("squash", description="How an image is brought to the network's size.")
    image_size: int | None = Field(None, ge=8, description="Side in pixels; absent: the weights' own.")
    tile_overlap: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="Least overlap of neighbouring tiles, as a share of a tile (geometry: tile)."
    )
    tile_pool: Literal["mean", "max"] = Field("mean", description="How the tiles' features are pooled.")
    pooling: Literal[POOLINGS] = Field("average", description="How an image's patches become its features.")
    novelty: Novelty = Field(Novelty(), description="How pooling: novelty weighs the patches.")
    batch_size: _Count | Literal["auto"] = Field(
        "auto",
        description="Images (or tiles) per forward pass; auto: 32 on the CPU, on a GPU as many as have the pixels of "
        "256 images of 224 x 224, a power of two.",
    )
    precision: Literal[PRECISIONS] = Field(
        "float32", description="float32, or coarser and faster: tf32 (GPUs only), bfloat16."
    )
    threads: int = Field(1, ge=1, description="Threads of each process that encodes; its last digits may depend on it.")
    workers: _Natural | Literal["auto"] = Field(
        "auto",
        description="Processes beside the job's own: on the CPU each encodes, on a GPU each decodes; 0: none; auto: "
        "one for each core that the job has.",
    )
    images_per_job: int = Field(
        20_000, ge=1, description="Images of a job of extraction; more are shared out over as many jobs as that takes."
    )
    device: str = Field("auto", pattern=DEVICE, description="auto, cpu, cuda or cuda:N.")

    @model_validator(mode="after")
    def _check_precision(self):
        if self.precision == "tf32" and self.device == "cpu":
            raise ValueError("precision: tf32 is one of GPUs, and device is cpu; set precision to float32")
        return self


class Encoder(Features):
    """One encoder, complete: what `features` says, then what its own entry says."""

    id: Id
    name: str
    module: FileName | None = Field(None, description="custom: Python file with the network.")
    callable: str | None = Field(None, description="custom: function in it that returns the network.")

    @model_validator(mode="after")
    def _check_custom(self):
        self._check_id()
        own, known = OWN_ENCODERS.get(self.name), list_networks()
        if known and not own and self.name not in known:
            near = ", ".join(close_names(self.name, [*OWN_ENCODERS, *known])) or "resnet50"
            names = ", ".join(OWN_ENCODERS)
            raise ValueError(f"'{self.name}' is no encoder: not {names} or a torchvision classifier ({near}?)")
        if self.name == "custom" and not (self.module and self.callable):
            raise ValueError("a custom encoder needs `module` (a Python file) and `callable` (a function in it)")
        if self.name != "custom" and (self.module or self.callable):
            raise ValueError("`module` and `callable` belong to encoders with `name: custom`")
        if own and own.weights and not self.weights.endswith((".pth", ".pt")):
            raise ValueError(f"a {self.name} encoder needs `weights`: the file with its state dict, *.pth or *.pt")
        if self.pooling != "average" and not has_maps(self.name):
            raise ValueError(f"{self.name} passes no maps on, which pooling {self.pooling} needs; set pooling: average")
        if self.image_size and not own and self.geometry != "native":
            sides = [self.image_size] if isinstance(self.image_size, int) else self.image_size
            check_sides(self.name, self.weights, sides)
        # What an encoder does not use must not tell two of its runs apart.
        if own and not own.weights:
            self.weights, self.batch_size, self.threads, self.pooling = "none", 1, 1, "average"
            self.precision = "float32"
        if self.pooling != "novelty":
            self.novelty = Novelty()
        if self.geometry != "tile":
            self.tile_overlap, self.tile_pool = 0.0, "mean"
        if self.geometry == "native":
            self.image_size, self.batch_size = None, 1
        return self

    def _check_id(self) -> None:
        if self.id == WINNER:
            raise ValueError(f"the id '{WINNER}' is reserved for the parent's winning encoder; give another id")
        if self.id == QUERY_NOVELTY:
            raise ValueError(f"the id '{QUERY_NOVELTY}' is reserved for the query strategy novelty; give another id")


class QueryEncoder(Encoder):
    """The network that learns, as it comes, pooling by novelty for the query strategy of that name."""

    image_size: int | list[int] | None = None

    def _check_id(self) -> None:
        """The reserved id is this encoder's."""
