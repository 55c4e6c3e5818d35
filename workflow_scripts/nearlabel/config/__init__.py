"""The configuration: typed models that say what a run may ask for, checked when the workflow is parsed.

Only the Snakefile and its profiles (and a notebook, if it likes) import this package; jobs get narrow slices of it as
params, so that a new key here reruns nothing.
"""

import hashlib
import json

from pydantic import Field, ValidationError, model_validator

from nearlabel.config.base import ConfigError, Id, Model
from nearlabel.config.datasets import Dataset
from nearlabel.config.errors import describe_error
from nearlabel.config.features import WINNER, Encoder, Features
from nearlabel.config.grouping import Grouping
from nearlabel.config.labelling import Labelling
from nearlabel.config.learning import Learning
from nearlabel.config.production import Production
from nearlabel.config.text import ConfigText

__all__ = [
    "WINNER",
    "Config",
    "ConfigError",
    "ConfigText",
    "Encoder",
    "describe_error",
    "hash_config",
    "json_schema",
    "load_config",
]


class Config(Model):
    """A run."""

    run: Id = Field(description="Name of the run: everything goes to results/{run}/.")
    seed: int = Field(0, ge=0, description="Every random number descends from it.")
    datasets: dict[Id, Dataset] = Field(min_length=1)
    features: Features = Features()
    grouping: Grouping | None = Field(None, description="The grouping half; absent: nothing is grouped.")
    learning: Learning | None = Field(None, description="The learning half; absent: nothing is learnt.")
    labelling: Labelling | None = Field(None, description="The labelling half; absent: nobody labels.")
    production: Production | None = Field(None, description="The production end; absent: no bundle is made.")

    @model_validator(mode="after")
    def _check_whole(self):
        if self.run == "cache":
            raise ValueError("run: 'cache' is the name of the feature cache below results; give the run another name")
        if self.grouping is None and self.learning is None and self.labelling is None:
            raise ValueError("grouping, learning and labelling are all missing; add at least one of the three")
        if self.grouping is not None:
            self._check_datasets("grouping.datasets", self.grouping.datasets)
            for name in self.grouping.names:
                if name not in self.grouping.datasets:
                    raise ValueError(f"grouping.names names '{name}', which is not under grouping.datasets")
        if self.learning is not None:
            self._check_datasets("learning.datasets", self.learning.datasets)
            for name in self.learning.datasets:
                self._check_positive(name, self.learning.positive)
        if self.labelling is not None:
            self._check_datasets("labelling.dataset", [self.labelling.dataset])
        if self.learning is not None and self.labelling is not None:
            self._share_network()
        if self.production is not None:
            self._check_production()
        return self

    def _check_production(self) -> None:
        chosen, name = self.production, self.production.dataset
        if self.grouping is None or name not in self.grouping.datasets:
            raise ValueError(
                f"production.dataset names '{name}', which is not under grouping.datasets; new images are assigned to "
                "groups: add it there"
            )
        if chosen.label_by == "network" and (self.labelling is None or self.labelling.dataset != name):
            raise ValueError(
                f"production.label_by is network, but no section labelling labels '{name}'; add it, or write model"
            )

    def _share_network(self) -> None:
        """A run has one network that learns: what is computed of it once serves both halves."""
        for key in ("encoder", "fine_tune"):
            ours, theirs = getattr(self.labelling, key), getattr(self.learning, key)
            if key not in self.labelling.model_fields_set:
                setattr(self.labelling, key, theirs)
            elif ours != theirs:
                raise ValueError(
                    f"labelling.{key} is {ours!r}, but learning.{key} is {theirs!r}, and a run has one network that "
                    "learns; write one of the two, or give each a config of its own"
                )

    def _check_datasets(self, key: str, names: list[str]) -> None:
        for name in names:
            if name not in self.datasets:
                raise ValueError(f"{key} names '{name}', which is not under datasets")
            if names.count(name) > 1:
                raise ValueError(f"{key} names '{name}' more than once; name it once")

    def _check_positive(self, name: str, positive: str) -> None:
        near_labels = self.datasets[name].near_labels
        if not isinstance(near_labels, dict):
            return
        given = list(dict.fromkeys(label for label in near_labels.values() if label))
        if positive not in given:
            told = f"only {', '.join(map(repr, given))}" if given else "no image one"
            raise ValueError(
                f"learning.positive is '{positive}', but datasets.{name}.near_labels gives {told}; "
                "positive must be one of the near-labels"
            )
        if given == [positive]:
            raise ValueError(
                f"datasets.{name}.near_labels gives no other near-label than '{positive}', which learning.positive "
                "counts as defective; learning needs good images too"
            )


def load_config(raw: dict, text: ConfigText | None = None) -> Config:
    """Check a configuration.

    Parameters
    ----------
    raw : dict
        As Snakemake or YAML gives it.
    text : ConfigText, optional
        What is written in the files that it comes from: where YAML has changed what should be text, it is refused.

    Returns
    -------
    Config
        With every default filled in.

    Raises
    ------
    ConfigError
        Unknown key, wrong type, or impossible value; one sentence for each, with the key's path.
    """
    try:
        config = Config.model_validate(text.restore_keys(raw) if text else raw)
    except ValidationError as error:
        raise ConfigError(describe_error(error, Config, text=text)) from None
    if text and (changed := text.refusals(config)):
        raise ConfigError(changed)
    return config


def hash_config(config: Config) -> str:
    """Hash of everything a configuration says, defaults included."""
    return hashlib.sha256(json.dumps(config.model_dump(), sort_keys=True).encode()).hexdigest()


def json_schema() -> str:
    """JSON schema of the configuration, for editors; `config/schema.json` holds it."""
    return json.dumps(Config.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
