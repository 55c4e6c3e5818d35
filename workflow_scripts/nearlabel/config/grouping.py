"""The grouping half: what is clustered, how, and what is made of the clusters."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from nearlabel.config.base import DEVICE, DuplicateDistance, FileName, Id, Label, Model, Node, Share
from nearlabel.config.features import NetworkEntry
from nearlabel.grouping.clustering.catalogue import CATALOGUE as ALGORITHMS
from nearlabel.grouping.models.catalogue import CATALOGUE as MODELS
from nearlabel.grouping.scores.limits import EXACT_UP_TO, SAMPLE
from nearlabel.grouping.selection.catalogue import LABEL_BASED, LABEL_FREE
from nearlabel.parameters import complete_parameters

Criterion = Literal[(*LABEL_FREE, *LABEL_BASED)]
Range = Annotated[list[int], Field(min_length=2, max_length=2)]
PAPER_ALGORITHMS = ["kmeans", "agglomerative", "minibatch_kmeans", "spectral", "gaussian_mixture"]


class Reduction(Model):
    """Reduction of the features before clustering."""

    method: Literal["pca", "random_projection", "none"] = "pca"
    components: int | float | Literal["min"] = Field(
        50, description="A number, a share of variance in (0, 1), or min: the smaller of images and features."
    )
    power: Literal["sqrt", "none"] | None = Field(
        None,
        description="First of all, the square root of each feature, its sign kept; absent: the encoder's own, none.",
    )
    standardise: bool | None = Field(
        None, description="Scale each feature to mean 0 and variance 1 then; absent: the encoder's own, only texture's."
    )
    normalise: Literal["l2", "none"] | None = Field(
        None, description="Scale each image's features to length 1 then; absent: the encoder's own, none."
    )
    whiten: bool | None = Field(
        None, description="Scale each principal component to variance 1; absent: the encoder's own, none."
    )

    @field_validator("components", mode="before")
    @classmethod
    def _read_text(cls, value):
        # Values given on the command line arrive as text, which the union would take for the literal.
        if isinstance(value, str) and value != "min":
            try:
                return float(value) if "." in value else int(value)
            except ValueError:
                raise ValueError("must be a whole number, a share of variance in (0, 1), or min") from None
        return value

    @model_validator(mode="after")
    def _check_components(self):
        components = self.components
        if isinstance(components, bool) or (components != "min" and components <= 0):
            raise ValueError("components must be a whole number, a share of variance in (0, 1), or min")
        if isinstance(components, float):
            if components >= 1 and components == int(components):
                self.components = int(components)
            elif components >= 1 or self.method != "pca":
                raise ValueError("components as a share of variance must be in (0, 1), with method pca")
        if self.whiten and self.method != "pca":
            raise ValueError(f"whiten scales principal components; it needs method pca, not {self.method}")
        return self


class Algorithm(Model):
    """One clustering algorithm with its parameters."""

    id: Id
    name: Literal[tuple(ALGORITHMS)]
    parameters: dict[str, Any] = Field({})

    @model_validator(mode="after")
    def _check_parameters(self):
        self.parameters = complete_parameters(self.name, self.parameters, ALGORITHMS[self.name].parameters)
        return self


class Level(Model):
    """What is clustered, how, at one depth of the tree; a key left out is taken from the level above."""

    encoders: list[NetworkEntry] | None = Field(
        None,
        min_length=1,
        description="Names, or mappings with id, name and features keys. Below the root, absent: the parent's winner.",
    )
    reduction: Reduction | None = None
    algorithms: list[str | dict[str, Any]] | None = Field(
        None, min_length=1, description="Names, or mappings with id, name and parameters."
    )
    ks: Range | None = Field(None, description="First and last number of clusters.")
    criterion: Criterion | None = Field(
        None,
        description="consensus (default), agreement, stability, min_max, silhouette; convergence_difference, ami.",
    )

    @field_validator("ks", mode="before")
    @classmethod
    def _read_ks(cls, ks):
        # A person's 2-20 or 2..20, and a single number.
        if isinstance(ks, str | int) and (found := re.findall(r"[0-9]+", str(ks))):
            raise ValueError(f"must be [first, last], not {ks}; write [{found[0]}, {found[-1]}]")
        if isinstance(ks, list) and len(ks) != 2:
            raise ValueError(f"must be [first, last], not {ks}")
        return ks

    @field_validator("ks")
    @classmethod
    def _check_ks(cls, ks):
        if ks is not None and not 2 <= ks[0] <= ks[1]:
            raise ValueError(f"must be [first, last] with 2 <= first <= last, not {ks}")
        return ks


class Choice(Model):
    """A node's clustering chosen by hand."""

    algorithm: Id
    k: int = Field(ge=2)
    encoder: Id | None = Field(None, description="Absent: the encoder with the best silhouette for this choice.")


class ExpandLimits(Model):
    """Where a tree that grows by itself stops."""

    min_size: int = Field(30, ge=2, description="A smaller group is not clustered again.")
    purity: Share = Field(
        0.95, description="A group whose most frequent near-label has this share is not clustered again."
    )
    max_children: int = Field(3, ge=1, description="Groups of one node that are clustered again, the neediest first.")
    max_level: int = Field(2, ge=1, description="Deepest level that is clustered; the main clustering is level 0.")


class Silhouettes(Model):
    """Where silhouettes stop being exact."""

    exact_up_to: int = Field(EXACT_UP_TO, ge=0, description="Images of a node up to which silhouettes are exact.")
    sample: int = Field(
        SAMPLE, ge=100, description="Images that silhouettes are estimated from in a larger node, a few more at most."
    )


class Structure(Model):
    """How the algorithms' agreement is held against structureless data."""

    draws: int = Field(6, ge=4, description="Sets of structureless data that the algorithms cluster.")
    sample: int = Field(
        1500, ge=100, description="Images that agreement beyond chance is measured on in a larger node."
    )


class PostModel(Model):
    """One model of the post-clustering layer with its parameters."""

    id: Id
    name: Literal[tuple(MODELS)]
    parameters: dict[str, Any] = Field({})

    @model_validator(mode="after")
    def _check_parameters(self):
        self.parameters = complete_parameters(self.name, self.parameters, MODELS[self.name].parameters)
        return self


class Classification(Model):
    """Models trained to tell a node's clusters, or the near-labels of its images."""

    node: Node = Field("root", description="The node.")
    target: Literal["clusters", "near_labels"] = Field(description="What the models learn to tell.")
    models: list[str | dict[str, Any]] = Field(
        list(MODELS), min_length=1, description="Names, or mappings with id, name and parameters."
    )
    folds: int = Field(5, ge=2, description="Folds of the stratified cross-validation.")
    duplicate_distance: DuplicateDistance = 4
    choose: Id | None = Field(None, description="Model to save; absent: the best classifier by balanced accuracy.")
    normal: Label | None = Field(
        None, description="Label that the anomaly detectors take as normal; absent: the most frequent."
    )


class Grouping(Model):
    """The grouping half."""

    datasets: list[Id] = Field(min_length=1)
    levels: list[Level] = Field(
        min_length=1, description="Level 0 is the main clustering; the last serves deeper ones."
    )
    ks_per_job: int = Field(50, ge=1, description="Numbers of clusters that one job tries, at most.")
    threads: int = Field(1, ge=1, description="Threads of a clustering or scoring job; numbers may depend on it.")
    device: str = Field("cpu", pattern=DEVICE, description="Where silhouettes are computed: cpu, auto, cuda or cuda:N.")
    expand: list[Node] | Literal["auto"] = Field(
        [], description="Clusters to cluster again: root.1 is cluster 1 of the root; or auto, within expand_limits."
    )
    expand_limits: ExpandLimits = ExpandLimits()
    min_overlap: Share = Field(
        0.5,
        description="Refuse a node or name of the user's whose images have changed since to a smaller Jaccard overlap.",
    )
    silhouettes: Silhouettes = Silhouettes()
    structure: Structure = Structure()
    permutations: int = Field(
        200, ge=200, description="Permutations of the near-labels that scores and the verdict are compared with."
    )
    bootstraps: int = Field(50, ge=1, description="Bootstraps of the clusters' stability.")
    names: dict[Id, FileName] = Field(
        {}, description="Data set → CSV with node and name: what the user calls the groups."
    )
    groups: Literal["links", "copies"] = Field("links", description="What the folder of sorted images holds.")
    classify: list[Classification] = Field([], description="Models on top of the clusters.")
    choose: dict[Node, Choice] = Field({}, description="Node → the clustering to take instead of the criterion's.")

    @field_validator("expand", mode="before")
    @classmethod
    def _read_expand(cls, expand):
        # The union's own message would speak of the list alone.
        if isinstance(expand, list) or expand == "auto":
            return expand
        raise ValueError(f"must be a list of nodes or auto, not {expand!r}")
