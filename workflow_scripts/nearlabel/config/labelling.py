"""The labelling half: a person labels images that have no labels, batch by batch, until it may end."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from nearlabel.config.base import DuplicateDistance, FileName, Id, Label, Model
from nearlabel.config.training import Training
from nearlabel.labelling.catalogue import DIGITS, RESERVED_KEYS, START_STRATEGIES, UNDECIDED

_OPEN = Annotated[float, Field(gt=0, lt=1)]


def _read_kinds(labels):
    """Take names alone for entries."""
    return (
        [{"name": entry} if isinstance(entry, str) else entry for entry in labels]
        if isinstance(labels, list)
        else labels
    )


class LabelKind(Model):
    """A label that a person may give."""

    name: Label = Field(min_length=1, max_length=100, description="As it stands in the files of labels.")
    key: str | None = Field(None, description="Key that gives it; absent: 1 to 9, in the order of the list.")
    description: str = Field("", description="What the page says of it.")

    @field_validator("name")
    @classmethod
    def _check_name(cls, name):
        if name in UNDECIDED:
            raise ValueError(f"'{name}' is what the page writes for an image without a decision; give another name")
        if name != name.strip() or not name.isprintable():
            raise ValueError(f"{name!r} begins or ends with a space, or has a sign that cannot be shown; remove it")
        return name

    @field_validator("key")
    @classmethod
    def _check_key(cls, key):
        if key is not None and (len(key) != 1 or not key.isprintable() or key == " "):
            raise ValueError(f"must be one sign that a key gives, not {key!r}")
        if key is not None and key.lower() in RESERVED_KEYS:
            raise ValueError(f"'{key}' is a key of the page itself ({RESERVED_KEYS[key.lower()]}); take another one")
        return key


class Certify(Model):
    """When labelling may end: the only rule that guarantees what it says."""

    recall: _OPEN = Field(0.95, description="Share of all defects that must have been found.")
    alpha: _OPEN = Field(0.05, description="How often at most it may be certified though it is missed.")
    spare: int = Field(1, ge=0, le=20, description="Defects that the audit may hold and still certify.")
    quiet: int = Field(2, ge=1, description="Batches of the strategy without a defect after which the audit begins.")


class Threshold(Model):
    """What the final network's threshold is chosen for."""

    aim: Literal["recall", "precision"] = Field("recall", description="recall or precision, of defects.")
    value: _OPEN = Field(0.95, description="At least so much, on the images that were drawn at random.")


class Labelling(Training):
    """The labelling half."""

    dataset: Id = Field(description="Name of the data set to label.")
    folder: FileName = Field(
        "labels", description="Folder of the files of labels, *.csv; the rounds are recorded there too."
    )
    labels: Annotated[list[LabelKind], BeforeValidator(_read_kinds)] = Field(
        [LabelKind(name="good"), LabelKind(name="defect")],
        min_length=2,
        max_length=24,
        description="Labels: names, or mappings with name, key and description.",
    )
    good: Label = Field("good", description="The label of an image without a defect; all others count as defective.")
    strategy: str | dict[str, Any] = Field(
        "most_likely_defect", description="Query strategy: name, or name and parameters."
    )
    start: Literal[START_STRATEGIES] = Field(
        "typiclust", description="Strategy as long as no defect, or nothing but defects, is labelled."
    )
    batch_size: int = Field(32, ge=2, description="Images a round.")
    audit: int = Field(
        4, ge=0, description="Of these, images drawn uniformly from what is left: they say what remains."
    )
    folds: int = Field(5, ge=3, description="Parts that labelled images are judged in, each by a network without it.")
    duplicate_distance: DuplicateDistance = 4
    certify: Certify = Field(Certify(), description="When labelling may end.")
    threshold: Threshold = Field(Threshold(), description="What the final network's threshold is chosen for.")
    fine_tune: Literal["full", "last_block", "head"] = Field("head", description="What of the network is trained.")
    epochs: int = Field(30, ge=1, description="Epochs per round, from the start on all labels.")

    @model_validator(mode="after")
    def _check_labels(self):
        names = [kind.name for kind in self.labels]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"labelling.labels has '{name}' more than once; name it once")
        if self.good not in names:
            raise ValueError(
                f"labelling.good is '{self.good}', which is not one of labelling.labels ({', '.join(names)}); "
                "name the label of images without a defect"
            )
        if self.audit >= self.batch_size:
            raise ValueError(
                f"labelling.audit is {self.audit}, but a batch has {self.batch_size} images; leave some to the strategy"
            )
        self._give_keys()
        return self

    def _give_keys(self) -> None:
        """Give labels without a key the first digit that is free, then a letter."""
        taken = [kind.key.lower() for kind in self.labels if kind.key]
        for key in taken:
            if taken.count(key) > 1:
                raise ValueError(f"labelling.labels has the key '{key}' more than once; give each label its own")
        free = iter([key for key in DIGITS if key not in taken])
        self.labels = [kind if kind.key else kind.model_copy(update={"key": next(free)}) for kind in self.labels]
