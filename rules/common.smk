"""The plan of this run, and what rules of both halves take their inputs and params from."""

import ast
import hashlib
import os
import sys
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

LIBRARY = Path(workflow.basedir) / "workflow_scripts"
sys.path.insert(0, str(LIBRARY))
# Scripts import the library from this checkout, whose files are their rules' inputs, whatever is installed.
os.environ |= {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(LIBRARY), os.getenv("PYTHONPATH")]))
}

from nearlabel.config import WINNER, ConfigError, hash_config
from nearlabel.images.listing import fingerprint_listing
from nearlabel.plan import plan_run
from nearlabel.seeds import derive_seed

try:
    PLAN = plan_run(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# A job that Snakemake starts elsewhere reads the config file again: it must say what it said when the run began.
if workflow.is_main_process:
    os.environ["NEARLABEL_CONFIG_HASH"] = hash_config(PLAN.config)
elif os.environ.get("NEARLABEL_CONFIG_HASH") != hash_config(PLAN.config):
    raise WorkflowError(
        f"config of run '{PLAN.config.run}' changed while the run was going; "
        "start snakemake again to run with the new one"
    )

# Snakemake takes a missing input for granted where its output is there.
for key, file in PLAN.own_files():
    if not Path(file).is_file():
        raise WorkflowError(
            f"config: {key}: {file} does not exist; write it or correct its path"
        )


envvars:
    "NEARLABEL_CONFIG_HASH",


wildcard_constraints:
    run=PLAN.config.run,
    dataset="|".join(PLAN.config.datasets),
    node=r"root(\.\d+)*",
    encoder="|".join([*PLAN.encoders, WINNER]),
    algorithm="|".join(
        dict.fromkeys(id for level in PLAN.levels for id in level["algorithms"])
    ),
    block=r"k\d\d\d+-\d\d\d+",
    level=r"\d+",
    target="clusters|near_labels",


# Library modules


def module_file(module):
    """File of a library module or package, None for a name that is neither."""
    stem = LIBRARY / Path(*module.split("."))
    for file in (stem.with_suffix(".py"), stem / "__init__.py"):
        if file.is_file():
            return file


@cache
def imported_modules(file):
    """Names of the library modules that one file imports, packages on the way included."""
    names = set()
    for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            names.add(statement.module)
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    names = {name for name in names if name.split(".")[0] == "nearlabel"}
    names |= {name.rpartition(".")[0] for name in names if "." in name}
    return {name for name in names if module_file(name)}


def script_file(rule_name):
    """A rule's script, an input of it."""
    return os.path.relpath(LIBRARY / f"{rule_name}.py")


def library_hash(rule_name):
    """Hash of every library module that a rule's script imports, directly or not: a param, whose change reruns the rule.

    As inputs, some twenty a job, they would fill each job's listing and take a fifth of the time of a plan. `logs` is
    exempt: it changes no result.
    """
    found, waiting = set(), imported_modules(LIBRARY / f"{rule_name}.py")
    while waiting:
        found |= waiting
        waiting = (
            set().union(*(imported_modules(module_file(name)) for name in waiting))
            - found
        )
    digest = hashlib.sha256()
    for name in sorted(found - {"nearlabel.logs"}):
        digest.update(name.encode())
        digest.update(module_file(name).read_bytes())
    return digest.hexdigest()


# Data sets


def chosen_dataset(wildcards):
    return PLAN.config.datasets[wildcards.dataset]


DATASET_KEYS = {"near_labels", "sample", "min_accepted", "max_pixels"}


def synthetic_strips(wildcards):
    """How the strips of a synthetic data set are drawn."""
    return chosen_dataset(wildcards).model_dump(exclude=DATASET_KEYS | {"kind"})


def reader_spec(wildcards):
    """What the reader needs to know of a data set."""
    chosen = chosen_dataset(wildcards)
    if chosen.kind == "synthetic":
        folder = f"results/{PLAN.config.run}/{wildcards.dataset}"
        return {
            "kind": "synthetic",
            "root": f"{folder}/synthetic",
            "table": f"{folder}/synthetic.csv",
        }
    return chosen.model_dump(exclude=DATASET_KEYS)


def reader_input(wildcards):
    """Files of a data set that this workflow makes itself; the user's own count by their listing."""
    spec = reader_spec(wildcards)
    return [spec["table"]] if spec["kind"] == "synthetic" else []


def reader_listing(wildcards):
    spec = reader_spec(wildcards)
    return None if spec["kind"] == "synthetic" else fingerprint_listing(spec)


def sample(wildcards):
    """The sample to draw; near-labels belong to it only when it balances them."""
    chosen = chosen_dataset(wildcards)
    if chosen.sample is None:
        return None
    return {
        "n": chosen.sample.n,
        "near_labels": chosen.near_labels if chosen.sample.balance else None,
        "balance": chosen.sample.balance,
        "seed": derive_seed(PLAN.config.seed, f"sample/{wildcards.dataset}"),
    }


def near_labels_file(wildcards):
    near_labels = chosen_dataset(wildcards).near_labels
    return [near_labels] if isinstance(near_labels, str) else []


def sample_labels_file(wildcards):
    drawn = sample(wildcards)
    return near_labels_file(wildcards) if drawn and drawn["balance"] else []


# Encoders


RUNTIME_KEYS = {"weights_dir", "weights_mirror", "workers", "device"}


def encoder(wildcards):
    """What an encoder's features depend on."""
    return PLAN.encoders[wildcards.encoder].model_dump(exclude=RUNTIME_KEYS)


def encoder_files(wildcards):
    """The user's own files that an encoder is made of: a module, a state dict."""
    chosen = PLAN.encoders[wildcards.encoder]
    own = [chosen.weights] if chosen.weights.endswith((".pth", ".pt")) else []
    return [chosen.module, *own] if chosen.module else own


def weights_seed(chosen):
    """Seed of a network's weights; None where they are not seeded."""
    if chosen.weights != "seeded":
        return None
    return derive_seed(PLAN.config.seed, f"weights/{chosen.name}")


def encoder_seed(wildcards):
    return weights_seed(PLAN.encoders[wildcards.encoder])


class Wildcards(dict):
    """Wildcards of a rule with one more, readable as attributes."""

    __getattr__ = dict.__getitem__

    def __init__(self, wildcards, **more):
        super().__init__(wildcards.items(), **more)
