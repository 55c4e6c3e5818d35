"""The learning half: how images are chosen for the network that learns, and how it is judged."""

from typing import Any, Literal

from pydantic import Field, model_validator

from nearlabel.config.base import DuplicateDistance, Id, Label, Model
from nearlabel.config.training import Training
from nearlabel.learning.stopping.catalogue import known_parameters
from nearlabel.parameters import complete_parameters

PAPER_STRATEGIES = ["random", "uncertainty", "gradcam_avg"]


class Knee(Model):
    """How the knee of "defective images left" is found (Kneedle)."""

    sensitivity: float = Field(1.0, ge=0, description="Kneedle's S; larger asks for a clearer knee.")
    interpolation: Literal["interp1d", "polynomial"] = Field(
        "interp1d", description="interp1d takes the curve as it is, polynomial a polynomial through it."
    )
    degree: int = Field(7, ge=1, description="Of the polynomial (interpolation: polynomial).")
    online: bool = Field(False, description="Take the last knee instead of the first.")

    @model_validator(mode="after")
    def _forget_degree(self):
        if self.interpolation != "polynomial":
            self.degree = 7
        return self


class Retrain(Model):
    """Fresh models, trained on all images up to a cut-off and on the full pool."""

    epochs: int = Field(50, ge=1, description="Most epochs.")
    patience: int = Field(10, ge=1, description="Epochs without a better validation AUC after which training stops.")


class StoppingRule(Model):
    """One rule that says when labelling may stop, with its parameters."""

    id: Id
    name: str
    parameters: dict[str, Any] = Field({})

    @model_validator(mode="after")
    def _check_parameters(self):
        self.parameters = complete_parameters(self.name, self.parameters, known_parameters(self.name))
        return self


class Learning(Training):
    """The learning half."""

    datasets: list[Id] = Field(min_length=1, description="Names of the data sets to learn from, each by itself.")
    positive: Label = Field("1", description="Near-label that counts as defective; all others count as good.")
    strategies: list[str | dict[str, Any]] = Field(
        PAPER_STRATEGIES, min_length=1, description="Names, or mappings with id, name and parameters."
    )
    folds: int = Field(10, ge=3, description="Folds: one tests, one validates, the others are the pool.")
    stratified: bool = Field(
        True,
        description="Folds with like shares of defects; false: drawn uniformly, near-duplicates kept together.",
    )
    duplicate_distance: DuplicateDistance = 4
    batch_size: int = Field(
        32, ge=2, description="Images labelled per round, and in the first batch, which holds both classes."
    )
    training: Literal["newest_batch", "warm_all", "cold_all"] = Field(
        "newest_batch",
        description="Each round trains on the newest batch; on all labelled images, going on; on all, from the start.",
    )
    evaluate_every: int = Field(
        1, ge=1, description="Rounds from one evaluation on validation and test to the next; first and last always."
    )
    knee: Knee = Field(Knee(), description='How the knee of "defective images left" is found.')
    stopping: list[str | dict[str, Any]] = Field(
        [], description="Stopping rules to compare: names, or mappings with id, name and parameters."
    )
    retrain: Retrain = Field(Retrain(), description="Fresh models on cut-offs and on the full pool.")
    job_per: Literal["auto", "fold", "strategy"] = Field(
        "auto",
        description="A job each for every fold, or for every strategy with all folds; auto: by fine_tune.",
    )
