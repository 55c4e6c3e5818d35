"""The plan of this run, and what rules of both halves take from Snakemake's own objects."""

import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

SCRIPTS = Path(workflow.basedir) / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))
# Scripts import the library from this checkout, whose code their rules' params hash, whatever is installed.
os.environ |= {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(SCRIPTS), os.getenv("PYTHONPATH")]))
}

if os.pathsep in str(SCRIPTS):
    raise WorkflowError(
        f"{workflow.basedir} has a '{os.pathsep}' in its path, where Python would search two folders; "
        "move the checkout"
    )

# Snakemake starts scripts by the path of its own interpreter, unquoted. Where a shell would take that for something
# else (a space, a quote, `$`), by its name instead, which is looked for on PATH.
if shlex.quote(sys.executable) != sys.executable:
    own = Path(sys.executable)
    os.environ |= {"PATH": os.pathsep.join([str(own.parent), os.getenv("PATH", "")])}
    sys.executable = own.name

from nearlabel import run_files
from nearlabel.config import WINNER, ConfigError, ConfigText, hash_config
from nearlabel.plan import check_own_files, plan_run
from nearlabel.plan import datasets, grouping, labelling, learning, networks, production
from nearlabel.plan.report import contents as reporting
from nearlabel.plan.resources import (
    clustering_memory,
    count_card_jobs,
    count_gpus,
    hours,
    memory,
    minutes,
)
from nearlabel.run_files import fill
from nearlabel.seeds import derive_seed
from nearlabel.sources import sources_of_script

# Jobs read again what was found right when the run began.
TEXT = None
try:
    if workflow.is_main_process:
        TEXT = ConfigText(
            workflow.configfiles, workflow.config_settings.config_args or []
        )
    PLAN = plan_run(config, TEXT)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# A job that Snakemake starts elsewhere reads the config file again: it must say what it said when the run began.
if workflow.is_main_process:
    os.environ["NEARLABEL_CONFIG_HASH"] = hash_config(PLAN.config)
    # What the report tells people to run.
    os.environ["NEARLABEL_COMMAND"] = reporting.describe_command(
        workflow.config_settings.configfiles
    )
elif os.environ.get("NEARLABEL_CONFIG_HASH") != hash_config(PLAN.config):
    raise WorkflowError(
        f"config of run '{PLAN.config.run}' changed while the run was going; "
        "start snakemake again to run with the new one"
    )

# Snakemake takes a missing input for granted where its output is there.
if workflow.is_main_process:
    found = check_own_files(PLAN)
    if found.wrong:
        raise WorkflowError(str(ConfigError(found.wrong)))
    for sentence in found.warnings:
        logger.warning(f"warning: {sentence}")


envvars:
    "NEARLABEL_CONFIG_HASH",
    "NEARLABEL_COMMAND",


wildcard_constraints:
    run=PLAN.config.run,
    dataset="|".join(PLAN.config.datasets),
    node=r"root(\.\d+)*",
    encoder="|".join([*networks.all_encoders(PLAN), WINNER]),
    algorithm="|".join(
        dict.fromkeys(id for level in PLAN.levels for id in level.algorithms)
    ),
    block=r"k\d\d\d+-\d\d\d+",
    level=r"\d+",
    target="clusters|near_labels",
    strategy="|".join(PLAN.strategies) or "none",
    fold=r"\d+",
    size=r"\d+(x\d+)?|own",
    part=r"\d+",
    parts=r"\d+",
    suffix="csv|md|tex|svg|png",


# As young as the checkout and never edited. An input of every rule, so that results whose records Snakemake has lost
# are made again by a fresh checkout: nothing tells whether they are of its code.
CHECKOUT = os.path.relpath(SCRIPTS / "nearlabel/__init__.py")


def library_hash(rule_name):
    """Hash of all that a rule's script depends on, as a param; where one job runs, only when it is asked for."""
    script = SCRIPTS / f"{rule_name}.py"
    if not workflow.is_main_process:
        return lambda wildcards: sources_of_script(script).hash()
    try:
        return sources_of_script(script).hash()
    except ValueError as error:
        raise WorkflowError(str(error)) from None


def of_plan(function, *names):
    """Input or param function: a function of the plan and of the wildcards so named."""
    return lambda wildcards: function(PLAN, *(wildcards[name] for name in names))


def seed_of(purpose):
    """Param function: the seed of a purpose, a pattern with wildcards."""
    return lambda wildcards: derive_seed(PLAN.config.seed, purpose.format(**wildcards))
