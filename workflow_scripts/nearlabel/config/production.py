"""The production end: what a bundle is made of, which labels new images."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from nearlabel.config.base import DuplicateDistance, FileName, Id, Label, Model

_OPEN = Annotated[float, Field(gt=0, lt=1)]


class Production(Model):
    """The production end."""

    dataset: Id = Field(description="Name of the data set, one of grouping.datasets.")
    label_by: Literal["auto", "model", "network"] = Field(
        "auto",
        description="What labels new images: model, on the root's features; network, that labelling ended with; auto: "
        "the model, where two labels have images.",
    )
    model: str | dict[str, Any] | None = Field(
        None,
        description="The model: name, or mapping with name and parameters, as in grouping.classify. Absent: the one "
        "that the classification of the root's near-labels has chosen, where there is one, else svm.",
    )
    folder: FileName | None = Field(
        None, description="Folder of the files of labels, *.csv; absent: that of labelling, else labels."
    )
    line: FileName = Field("line", description="Folder of images that operators have captured.")
    labels: list[Label] = Field(
        [], description="Labels that people may give beside near-labels and labelling.labels: new kinds."
    )
    normal: list[Label] | None = Field(
        None,
        description="Labels of good images, of which novelty is calibrated; absent: labelling.good, else all images "
        "count as good.",
    )
    held_out: _OPEN = Field(0.3, description="Share of each label's images that is held out.")
    coverage: _OPEN = Field(0.9, description="How often the set of labels holds the right one, for each label.")
    false_alarms: _OPEN = Field(0.01, description="Share of good images that may be flagged as novel.")
    neighbors: int = Field(5, ge=1, description="Nearest training images that an image's novelty is measured by.")
    reference: int = Field(10_000, ge=10, description="Training images at most that new ones are held against.")
    duplicate_distance: DuplicateDistance = 4

    @model_validator(mode="after")
    def _check_lists(self):
        for key in ("labels", "normal"):
            names = getattr(self, key) or []
            for name in names:
                if not name or names.count(name) > 1:
                    raise ValueError(f"production.{key} has {name!r} more than once, or empty; name each label once")
        if self.label_by == "network" and self.model is not None:
            raise ValueError("production.model is there, but label_by is network; remove one of the two")
        return self
