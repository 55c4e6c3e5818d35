"""The configuration: typed models that say what a run may ask for, checked when the workflow is parsed.

Only the Snakefile (and a notebook, if it likes) imports this package; jobs get narrow slices of it as params, so that a
new key here reruns nothing.
"""

import hashlib
import json
import re

from pydantic import Field, ValidationError, model_validator

from nearlabel.config.base import PATTERNS, Id, Model
from nearlabel.config.datasets import KINDS, Dataset
from nearlabel.config.features import WINNER, Encoder, Features
from nearlabel.config.grouping import Grouping
from nearlabel.config.learning import Learning

__all__ = [
    "WINNER",
    "Config",
    "ConfigError",
    "Encoder",
    "describe_error",
    "hash_config",
    "json_schema",
    "load_config",
]


class ConfigError(ValueError):
    """A configuration that cannot be run; its text names the key, what is wrong and, where possible, what to do."""


class Config(Model):
    """A run."""

    run: Id = Field(description="Name of the run: everything goes to results/{run}/.")
    seed: int = Field(0, ge=0, description="Every random number descends from it.")
    datasets: dict[Id, Dataset] = Field(min_length=1)
    features: Features = Features()
    grouping: Grouping | None = Field(None, description="The grouping half; absent: nothing is grouped.")
    learning: Learning | None = Field(None, description="The learning half; absent: nothing is learnt.")

    @model_validator(mode="after")
    def _check_whole(self):
        if self.run == "cache":
            raise ValueError("run: 'cache' is the name of the feature cache below results; give the run another name")
        if self.grouping is None and self.learning is None:
            raise ValueError("grouping and learning are both missing; add at least one of the two")
        if self.grouping is not None:
            self._check_datasets("grouping.datasets", self.grouping.datasets)
            for name in self.grouping.names:
                if name not in self.grouping.datasets:
                    raise ValueError(f"grouping.names names '{name}', which is not under grouping.datasets")
        if self.learning is not None:
            self._check_datasets("learning.datasets", self.learning.datasets)
            for name in self.learning.datasets:
                self._check_positive(name, self.learning.positive)
        return self

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


_UNION_TAGS = re.compile(r"^(list\[|dict\[|str$|int$|float$|literal\[|bool$|constrained)|function-")


def describe_error(error: ValidationError, where: str = "") -> str:
    """One sentence for the first problem, and how many more there are."""
    problems = error.errors(include_url=False)
    # Beside what is wrong with a list, a union also says that the list is not its single word.
    problems = [p for p in problems if not str(*p["loc"][-1:]).startswith("literal[")] or problems
    first = problems[0]
    parts = [str(part) for part in first["loc"]]
    if parts[:1] == ["datasets"] and len(parts) > 2 and parts[2] in KINDS:
        del parts[2]  # the union's tag, which is not a key
    path = ".".join(part for part in [where, *(p for p in parts if not _UNION_TAGS.match(p))] if part)
    if first["type"] == "extra_forbidden":
        text = f"{path} is not a known key; see config/README.md for the keys"
    elif first["type"] == "union_tag_invalid":
        text = f"{path}.kind: {first['ctx']['tag']!r} is unknown; choose one of {', '.join(sorted(KINDS))}"
    elif first["type"] == "string_pattern_mismatch" and first["ctx"]["pattern"] in PATTERNS:
        text = f"{path}: {first['input']!r} is not {PATTERNS[first['ctx']['pattern']]}"
    elif first["type"] == "missing":
        text = f"{path} is missing"
    elif first["type"] == "value_error":
        reason = str(first["ctx"]["error"])
        text = reason if not path or reason.startswith(("grouping.", "learning.", "datasets.")) else f"{path}: {reason}"
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
