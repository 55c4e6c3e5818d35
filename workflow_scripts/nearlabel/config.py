"""The configuration: typed models that say what a run may ask for, checked when the workflow is parsed.

Only the Snakefile (and a notebook, if it likes) imports this module; jobs get narrow slices of it as params, so that a
new key here reruns nothing.
"""

import hashlib
import json
import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nearlabel.features.catalogue import list_networks
from nearlabel.grouping.classifier_parameters import CLASSIFIER_PARAMETERS
from nearlabel.grouping.parameters import ALGORITHM_PARAMETERS, Parameter

_ID, _NODE = r"^[A-Za-z0-9][A-Za-z0-9_-]*$", r"^root(\.(0|[1-9][0-9]*))*$"
_PATTERNS = {
    _ID: "a name of letters, digits, _ and -, which begins with a letter or digit",
    _NODE: "a node; write root, root.1 (its cluster 1), root.1.25",
}
Id = Annotated[str, Field(pattern=_ID)]
Node = Annotated[str, Field(pattern=_NODE)]
Geometry = Literal["official", "squash", "tile", "native"]
Share = Annotated[float, Field(ge=0, le=1)]

WINNER = "winner"  # stands for the parent's winning encoder in paths below the root


class ConfigError(ValueError):
    """A configuration that cannot be run; its text names the key, what is wrong and, where possible, what to do."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Sample(_Model):
    """A seeded sample of the data set."""

    n: int = Field(ge=2, description="Number of images to draw.")
    balance: bool = Field(False, description="Draw equally many of each near-label.")


class _Dataset(_Model):
    near_labels: dict[str, str | None] | str | None = Field(
        None,
        description="Class → near-label, `default` for the classes not named; or a CSV with image_id and near_label; "
        "absent: the class itself.",
    )
    sample: Sample | None = Field(None, description="Draw a seeded sample instead of taking every image.")
    min_accepted: Share = Field(0.5, description="Stop when a smaller share of the images than this can be read.")
    max_pixels: int = Field(
        178_956_970, gt=0, description="Refuse an image with more pixels than this (decompression bombs)."
    )


class ImageFolder(_Dataset):
    """A folder of images, one sub-folder per class or none."""

    kind: Literal["image_folder"]
    root: str = Field(description="The folder.")
    classes: bool = Field(True, description="The first sub-folder is the class.")


class Csv(_Dataset):
    """Images listed in a CSV."""

    kind: Literal["csv"]
    file: str = Field(description="The CSV.")
    root: str | None = Field(None, description="Folder that the paths start from; absent: the CSV's own.")
    path_column: str = Field("path", description="Column with the image's path.")
    label_column: str | None = Field(None, description="Column with the class.")
    part_column: str | None = Field(None, description="Column with the part; images of one part stay in one fold.")


class Severstal(_Dataset):
    """Severstal steel defect detection: `train.csv` and `train_images/`."""

    kind: Literal["severstal"]
    root: str = Field(description="The folder with train.csv and train_images/.")


class KolektorSdd(_Dataset):
    """KolektorSDD: `kosNN/PartN.jpg` and `kosNN/PartN_label.bmp`."""

    kind: Literal["kolektor_sdd"]
    root: str = Field(description="The folder with the kosNN folders.")


class KolektorSdd2(_Dataset):
    """KolektorSDD2: `train/` and `test/` with `NNNNN.png` and `NNNNN_GT.png`."""

    kind: Literal["kolektor_sdd2"]
    root: str = Field(description="The folder with train/ and test/.")


class MagneticTile(_Dataset):
    """Magnetic tile defects: `MT_*/Imgs/*.jpg`, masks as PNG beside."""

    kind: Literal["magnetic_tile"]
    root: str = Field(description="The folder with the MT_* folders.")


class Synthetic(_Dataset):
    """Steel strips drawn on the spot."""

    kind: Literal["synthetic"]
    count: int = Field(240, ge=4, description="Number of strips.")
    height: int = Field(64, ge=16, description="Height of a strip in pixels.")
    width: int = Field(256, ge=16, description="Width of a strip in pixels.")
    defect_share: Share = Field(0.5, description="Share of strips with a defect.")
    rare_share: Share = Field(0.04, description="Share of the rare kind among the defective strips.")
    kinds: list[Literal["scratches", "inclusions", "patches", "crazing"]] = Field(
        ["scratches", "inclusions", "patches", "crazing"], min_length=1, description="Common kinds of defect."
    )


Dataset = Annotated[
    ImageFolder | Csv | Severstal | KolektorSdd | KolektorSdd2 | MagneticTile | Synthetic, Field(discriminator="kind")
]


class Features(_Model):
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
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:[0-9]+)?)$", description="auto, cpu, cuda or cuda:N.")


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
        known = list_networks()
        if known and self.name not in ("texture", "custom", *known):
            near = ", ".join(get_close_matches(self.name, ["texture", "custom", *known], 3)) or "resnet50"
            raise ValueError(f"'{self.name}' is no encoder: not texture, custom or a torchvision classifier ({near}?)")
        if self.name == "custom" and not (self.module and self.callable):
            raise ValueError("a custom encoder needs `module` (a Python file) and `callable` (a function in it)")
        if self.name != "custom" and (self.module or self.callable):
            raise ValueError("`module` and `callable` belong to encoders with `name: custom`")
        if self.name == "custom" and self.weights in ("imagenet", "seeded"):
            raise ValueError("a custom encoder needs `weights`: the file with its state dict")
        # What an encoder does not use must not tell two of its runs apart.
        if self.name == "texture":
            self.weights, self.batch_size, self.threads = "none", 1, 1
        if self.geometry != "tile":
            self.tile_overlap, self.tile_pool = 0.0, "mean"
        if self.geometry == "native":
            self.image_size, self.batch_size = None, 1
        return self


class Reduction(_Model):
    """Reduction of the features before clustering."""

    method: Literal["pca", "random_projection", "none"] = "pca"
    components: int | float | Literal["min"] = Field(
        50, description="A number, a share of variance in (0, 1), or min: the smaller of images and features."
    )
    standardise: bool | None = Field(
        None, description="Scale each feature to unit variance first; absent: only for texture."
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
        return self


def _read_number(value: Any, parameter: Parameter | None) -> Any:
    # YAML 1.1 takes 1e-4, without a point, for text.
    if parameter is None or parameter.number is not float or not isinstance(value, str) or value in parameter.words:
        return value
    try:
        return float(value)
    except ValueError:
        return value


def _complete_parameters(name: str, given: dict[str, Any], known: dict[str, Parameter]) -> dict[str, Any]:
    given = dict(given)
    for parameter, value in list(given.items()):
        value = given[parameter] = _read_number(value, known.get(parameter))
        if parameter not in known:
            raise ValueError(f"{name} has no parameter '{parameter}'; it has {', '.join(known)}")
        if problem := known[parameter].problem(value):
            raise ValueError(f"parameter '{parameter}' of {name} {problem}, not {value!r}")
    return {parameter: given.get(parameter, known[parameter].default) for parameter in known}


class Algorithm(_Model):
    """One clustering algorithm with its parameters."""

    id: Id
    name: Literal["kmeans", "agglomerative", "minibatch_kmeans", "spectral", "gaussian_mixture"]
    parameters: dict[str, Any] = {}

    @model_validator(mode="after")
    def _check_parameters(self):
        self.parameters = _complete_parameters(self.name, self.parameters, ALGORITHM_PARAMETERS[self.name])
        return self


LABEL_BASED = ("convergence_difference", "ami")  # criteria that look at near-labels
Criterion = Literal["min_max", "convergence_difference", "ami", "silhouette"]
Range = Annotated[list[int], Field(min_length=2, max_length=2)]
POST_MODELS = ["svm", "decision_tree", "mlp", "isolation_forest", "nearest_centre"]
PAPER_ALGORITHMS = ["kmeans", "agglomerative", "minibatch_kmeans", "spectral", "gaussian_mixture"]


class Level(_Model):
    """What is clustered, how, at one depth of the tree; a key left out is taken from the level above."""

    encoders: list[str | dict[str, Any]] | None = Field(
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
        None, description="min_max (default at the root), convergence_difference (below), ami, silhouette."
    )

    @field_validator("ks")
    @classmethod
    def _check_ks(cls, ks):
        if ks is not None and not 2 <= ks[0] <= ks[1]:
            raise ValueError(f"must be [first, last] with 2 <= first <= last, not {ks}")
        return ks


class Choice(_Model):
    """A node's clustering chosen by hand."""

    algorithm: Id
    k: int = Field(ge=2)
    encoder: Id | None = Field(None, description="Absent: the encoder with the best silhouette for this choice.")


class ExpandLimits(_Model):
    """Where a tree that grows by itself stops."""

    min_size: int = Field(30, ge=2, description="A smaller group is not clustered again.")
    purity: Share = Field(
        0.95, description="A group whose most frequent near-label has this share is not clustered again."
    )
    silhouette: float = Field(
        0.5, ge=-1, le=1, description="In place of purity where a group has no near-labels: its own mean silhouette."
    )
    max_children: int = Field(3, ge=1, description="Groups of one node that are clustered again, the neediest first.")
    max_level: int = Field(2, ge=1, description="Deepest level that is clustered; the main clustering is level 0.")


class PostModel(_Model):
    """One model of the post-clustering layer with its parameters."""

    id: Id
    name: Literal["svm", "decision_tree", "mlp", "isolation_forest", "nearest_centre"]
    parameters: dict[str, Any] = {}

    @model_validator(mode="after")
    def _check_parameters(self):
        self.parameters = _complete_parameters(self.name, self.parameters, CLASSIFIER_PARAMETERS[self.name])
        return self


class Classification(_Model):
    """Models trained to tell a node's clusters, or the near-labels of its images."""

    node: Node = Field("root", description="The node.")
    target: Literal["clusters", "near_labels"] = Field(description="What the models learn to tell.")
    models: list[str | dict[str, Any]] = Field(
        POST_MODELS, min_length=1, description="Names, or mappings with id, name and parameters."
    )
    folds: int = Field(5, ge=2, description="Folds of the stratified cross-validation.")
    choose: Id | None = Field(None, description="Model to save; absent: the best classifier by balanced accuracy.")
    normal: str | None = Field(
        None, description="Label that the anomaly detectors take as normal; absent: the most frequent."
    )


class Grouping(_Model):
    """The grouping half."""

    datasets: list[Id] = Field(min_length=1)
    levels: list[Level] = Field(
        min_length=1, description="Level 0 is the main clustering; the last serves deeper ones."
    )
    ks_per_job: int = Field(50, ge=1, description="Numbers of clusters that one job tries, at most.")
    threads: int = Field(1, ge=1, description="Threads of a clustering or scoring job; numbers may depend on it.")
    expand: list[Node] | Literal["auto"] = Field(
        [], description="Clusters to cluster again: root.1 is cluster 1 of the root; or auto, within expand_limits."
    )
    expand_limits: ExpandLimits = ExpandLimits()
    min_overlap: Share = Field(
        0.5,
        description="Refuse a node or name of the user's whose images have changed since to a smaller Jaccard overlap.",
    )
    permutations: int = Field(200, ge=200, description="Permutations of the convergence difference's null.")
    bootstraps: int = Field(50, ge=1, description="Bootstraps of the clusters' stability.")
    names: dict[Id, str] = Field({}, description="Data set → CSV with node and name: what the user calls the groups.")
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


class Config(_Model):
    """A run."""

    run: Id = Field(description="Name of the run: everything goes to results/{run}/.")
    seed: int = Field(0, ge=0, description="Every random number descends from it.")
    datasets: dict[Id, Dataset] = Field(min_length=1)
    features: Features = Features()
    grouping: Grouping

    @model_validator(mode="after")
    def _check_whole(self):
        if self.run == "cache":
            raise ValueError("run: 'cache' is the name of the feature cache below results; give the run another name")
        for name in self.grouping.datasets:
            if name not in self.datasets:
                raise ValueError(f"grouping.datasets names '{name}', which is not under datasets")
            if self.grouping.datasets.count(name) > 1:
                raise ValueError(f"grouping.datasets names '{name}' more than once; name it once")
        for name in self.grouping.names:
            if name not in self.grouping.datasets:
                raise ValueError(f"grouping.names names '{name}', which is not under grouping.datasets")
        return self


_UNION_TAGS = re.compile(r"^(list\[|dict\[|str$|int$|float$|literal\[|bool$|constrained)|function-")


def describe_error(error: ValidationError, where: str = "") -> str:
    """One sentence for the first problem, and how many more there are."""
    problems = error.errors(include_url=False)
    # Beside what is wrong with a list, a union also says that the list is not its single word.
    problems = [p for p in problems if not str(*p["loc"][-1:]).startswith("literal[")] or problems
    first = problems[0]
    kinds = {"image_folder", "csv", "severstal", "kolektor_sdd", "kolektor_sdd2", "magnetic_tile", "synthetic"}
    parts = [str(part) for part in first["loc"]]
    if parts[:1] == ["datasets"] and len(parts) > 2 and parts[2] in kinds:
        del parts[2]  # the union's tag, which is not a key
    path = ".".join(part for part in [where, *(p for p in parts if not _UNION_TAGS.match(p))] if part)
    if first["type"] == "extra_forbidden":
        text = f"{path} is not a known key; see config/README.md for the keys"
    elif first["type"] == "union_tag_invalid":
        text = f"{path}.kind: {first['ctx']['tag']!r} is unknown; choose one of {', '.join(sorted(kinds))}"
    elif first["type"] == "string_pattern_mismatch" and first["ctx"]["pattern"] in _PATTERNS:
        text = f"{path}: {first['input']!r} is not {_PATTERNS[first['ctx']['pattern']]}"
    elif first["type"] == "missing":
        text = f"{path} is missing"
    elif first["type"] == "value_error":
        reason = str(first["ctx"]["error"])
        text = reason if not path or reason.startswith(("grouping", "datasets")) else f"{path}: {reason}"
    else:
        given = first.get("input")
        shown = f", not {given!r}" if isinstance(given, str | int | float | bool | list) or given is None else ""
        text = f"{path}: {first['msg'][0].lower()}{first['msg'][1:]}{shown}"
    return text + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")


def load_config(raw: dict) -> Config:
    """Check a configuration.

    Parameters
    ----------
    raw : dict
        As Snakemake or YAML gives it.

    Returns
    -------
    Config
        With every default filled in.

    Raises
    ------
    ConfigError
        Unknown key, wrong type, or impossible value; one sentence with the key's path.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"config: {describe_error(error)}") from None


def hash_config(config: Config) -> str:
    """Hash of everything a configuration says, defaults included."""
    return hashlib.sha256(json.dumps(config.model_dump(), sort_keys=True).encode()).hexdigest()


def json_schema() -> str:
    """JSON schema of the configuration, for editors; `config/schema.json` holds it."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
