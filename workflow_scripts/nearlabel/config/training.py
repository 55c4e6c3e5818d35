"""How a network is trained, in simulation and on labels that a person gives: which one, what of it, by which steps."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nearlabel.config.base import Id, Model
from nearlabel.config.errors import close_names
from nearlabel.config.features import Features, NetworkEntry, Novelty
from nearlabel.features.catalogue import OWN_ENCODERS, check_sides, list_networks
from nearlabel.learning.catalogue import known_parameters
from nearlabel.learning.network.catalogue import check_head
from nearlabel.parameters import complete_parameters

FULL_POOL = "full_pool"  # folder of the models that learnt from the whole pool, beside those of the strategies
LEARNING_RATES = {"full": 1e-4, "last_block": 1e-4, "head": 1e-3}
MAP_SIDE = 7  # least side of a map that is not resized
_LEAST_SIDE = 32

# The command line gives null as text.
_Null = BeforeValidator(lambda value: None if value == "null" else value)
_Side = Annotated[int, Field(ge=_LEAST_SIDE)]
_MapSide = Annotated[int, Field(ge=3)]
_Probability = Annotated[float, Field(ge=0, le=1)]
_Change = Annotated[float, Field(ge=0, lt=1)]


class LearningNetwork(Features):
    """The network that learns, complete: what `features` says, then what `learning.encoder` says."""

    name: str
    geometry: Literal["squash", "official"] = Field(
        "squash", description="How an image is brought to the network's size."
    )
    image_size: _Side | Annotated[list[_Side], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Side, or [height, width], in pixels; null: the weights' own."
    )

    @field_validator("name")
    @classmethod
    def _check_name(cls, name):
        known = list_networks()
        if name in OWN_ENCODERS or (known and name not in known):
            near = ", ".join(close_names(name, known)) or "resnet18"
            raise ValueError(f"'{name}' is no torchvision classifier, which learning needs ({near}?)")
        check_head(name)
        return name

    @field_validator("image_size", mode="before")
    @classmethod
    def _read_size(cls, size):
        # The union's own message would speak of one of its three kinds.
        problem = ValueError(f"must be a side, [height, width] or null, each side {_LEAST_SIDE} or more, not {size!r}")
        if size is None or size == "null":
            return None
        sides = size if isinstance(size, list | tuple) else [size, size]
        try:
            sides = [int(side) if isinstance(side, str) else side for side in sides]
        except ValueError:
            raise problem from None
        if len(sides) != 2 or not all(type(side) is int and side >= _LEAST_SIDE for side in sides):
            raise problem
        return sides if isinstance(size, list | tuple) else sides[0]

    def sides(self) -> list[int] | None:
        """Sides of the images in pixels; None: the weights' own."""
        return [self.image_size] if isinstance(self.image_size, int) else self.image_size

    @model_validator(mode="after")
    def _check_sides(self):
        if self.image_size:
            check_sides(self.name, self.weights, self.sides())
        return self

    @model_validator(mode="after")
    def _forget_tiles(self):
        # What a network does not use must not tell two of its runs apart.
        self.tile_overlap, self.tile_pool, self.pooling, self.novelty = 0.0, "mean", "average", Novelty()
        return self


class Strategy(Model):
    """One query strategy with its parameters."""

    id: Id
    name: str
    parameters: dict[str, Any] = Field({})

    @field_validator("id")
    @classmethod
    def _check_id(cls, id):
        if id == FULL_POOL:
            raise ValueError(
                f"'{FULL_POOL}' is reserved for the models that learn from the whole pool; give another id"
            )
        return id

    @model_validator(mode="after")
    def _check_parameters(self):
        self.parameters = complete_parameters(self.name, self.parameters, known_parameters(self.name))
        return self


class Optimiser(Model):
    """What turns gradients into steps; torch's defaults for what is not named here."""

    name: Literal["adam", "adamw", "sgd"] = Field("adam", description="adam, adamw or sgd.")
    learning_rate: Annotated[float | None, Field(gt=0), _Null] = Field(
        None, description="Absent: 1e-4 for fine_tune full and last_block, 1e-3 for head."
    )
    weight_decay: float = Field(0.0, ge=0, description="Weight decay.")
    momentum: float = Field(0.9, ge=0, lt=1, description="Momentum (name: sgd).")

    @model_validator(mode="after")
    def _forget_momentum(self):
        if self.name != "sgd":
            self.momentum = 0.0
        return self


class Augmentation(Model):
    """Random changes to training images, new ones in every epoch; only with fine_tune: full."""

    horizontal_flip: _Probability = Field(0.0, description="Probability that an image is mirrored left to right.")
    vertical_flip: _Probability = Field(0.0, description="Probability that an image is turned upside down.")
    brightness: _Change = Field(0.0, description="Brightness is multiplied by 1 - brightness to 1 + brightness.")
    contrast: _Change = Field(0.0, description="Contrast is multiplied by 1 - contrast to 1 + contrast.")
    translate: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.0, description="An image is moved by up to this share of its height and width."
    )


class Maps(Model):
    """The activation maps that gradcam_avg compares."""

    target: Literal["predicted", "positive", "negative"] = Field("predicted", description="Class that a map explains.")
    size: Annotated[Annotated[list[_MapSide], Field(min_length=2, max_length=2)] | None, _Null] = Field(
        None, description="[height, width]; null: that of the network's last feature maps, at least 7 x 7."
    )


class Training(Model):
    """What a section says of the network that it trains."""

    encoder: NetworkEntry = Field(
        "resnet18", description="A torchvision classifier by name, or a mapping with name and features keys."
    )
    fine_tune: Literal["full", "last_block", "head"] = Field("full", description="What of the network is trained.")
    epochs: int = Field(10, ge=1, description="Epochs per round.")
    minibatch_size: int = Field(32, ge=1, description="Images per step of the optimiser.")
    optimiser: Optimiser = Field(Optimiser(), description="What turns gradients into steps.")
    class_weights: Literal["balanced", "none"] = Field(
        "balanced", description="Weigh the classes against their frequency among the images trained on, or not."
    )
    augmentation: Augmentation = Field(Augmentation(), description="Random changes to training images.")
    maps: Maps = Field(Maps(), description="The activation maps (Grad-CAM).")

    @field_validator("encoder", mode="before")
    @classmethod
    def _read_encoder(cls, encoder):
        # The union's own message would speak of its two kinds.
        if not isinstance(encoder, str | dict):
            raise ValueError(f"must be a torchvision classifier or a mapping with `name`, not {encoder!r}")
        return encoder

    @model_validator(mode="after")
    def _fit_to_fine_tuning(self):
        section = type(self).__name__.lower()
        for name, value in self.augmentation:
            if value and self.fine_tune != "full":
                raise ValueError(
                    f"{section}.augmentation.{name} is {value}, but the stages that fine_tune {self.fine_tune} freezes "
                    f"see each image only once; set {name} to 0 or {section}.fine_tune to full"
                )
        if self.optimiser.learning_rate is None:
            rate = LEARNING_RATES[self.fine_tune]
            self.optimiser = self.optimiser.model_copy(update={"learning_rate": rate})
        return self
