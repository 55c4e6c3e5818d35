"""Every path below ``results``: patterns whose fields are Snakemake's wildcards.

For rules, scripts and collectors alike; standard library only. A pattern's fields: ``run``, ``dataset``, ``encoder``,
``part`` and ``parts`` (of an extraction), ``node`` (``root``, ``root.1``, …), ``algorithm``, ``block`` (of numbers of
clusters), ``level``, ``target`` (of models), ``size`` (of decoded images), ``strategy``, ``fold``, ``cutoff``; figures
also ``kind`` and ``suffix``, tables ``table`` and ``suffix``.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

RUN = "results/{run}"
# Shared by all runs.
FEATURE_CACHE = "results/cache"
LEARNING_STATE = "results/cache/learning/{run}/{dataset}/{strategy}/fold{fold}"

_DATASET = f"{RUN}/{{dataset}}"
SYNTHETIC = f"{_DATASET}/synthetic"
SYNTHETIC_TABLE = f"{_DATASET}/synthetic.csv"
IMAGES = f"{_DATASET}/images.csv"
REJECTED = f"{_DATASET}/rejected.csv"
LEDGER = f"{_DATASET}/ledger.csv"
NEAR_LABELS = f"{_DATASET}/near_labels.csv"
COLUMNS = f"{_DATASET}/columns.csv"
HASHES = f"{_DATASET}/hashes.h5"
NEAR_DUPLICATES = f"{_DATASET}/near_duplicates.csv"
FEATURES = f"{_DATASET}/features/{{encoder}}.h5"
FEATURE_PART = f"{_DATASET}/features/{{encoder}}/part{{part}}of{{parts}}.json"
DECODED = f"{_DATASET}/images/{{size}}.h5"
THUMBNAILS = f"{_DATASET}/thumbnails"
THUMBNAIL_INDEX = f"{THUMBNAILS}.json"

_GROUPING = f"{_DATASET}/grouping"
LEVELS = f"{_GROUPING}/levels/{{level}}.csv"
GROUPS = f"{_GROUPING}/groups.csv"
SORTED_IMAGES = f"{_GROUPING}/groups"
REMEMBERED = f"{_GROUPING}/remembered.csv"
REMEMBERED_NODES = f"{_GROUPING}/remembered/nodes"
REMEMBERED_NODE = f"{REMEMBERED_NODES}/{{node}}.json"
REMEMBERED_NAMES = f"{_GROUPING}/remembered/names"
SUSPECTS = f"{_GROUPING}/suspects.csv"

_NODE = f"{_GROUPING}/{{node}}"
SELECTION = f"{_NODE}/selection.json"
CLUSTERS = f"{_NODE}/clusters.csv"
VERDICT = f"{_NODE}/verdict.json"
STABILITY = f"{_NODE}/stability.csv"
CONSENSUS = f"{_NODE}/consensus.csv"
MAP = f"{_NODE}/map.h5"
MEASURES = f"{_NODE}/images.csv"

_NODE_ENCODER = f"{_NODE}/{{encoder}}"
REDUCED = f"{_NODE_ENCODER}/reduced.h5"
LABELS = f"{_NODE_ENCODER}/labels/{{algorithm}}/{{block}}.h5"
QUALITY = f"{_NODE_ENCODER}/quality.csv"
SILHOUETTE_ERRORS = f"{_NODE_ENCODER}/silhouette_error.csv"
SCORES = f"{_NODE_ENCODER}/scores.csv"
NULL = f"{_NODE_ENCODER}/null.csv"
AGREEMENT = f"{_NODE_ENCODER}/agreement.csv"

_MODELS = f"{_NODE}/models/{{target}}"
MODEL_SCORES = f"{_MODELS}/scores.csv"
MODEL_CONFUSION = f"{_MODELS}/confusion.csv"
MODEL_PREDICTIONS = f"{_MODELS}/predictions.csv"
MODEL_RULES = f"{_MODELS}/rules.txt"
MODEL = f"{_MODELS}/model.skops"
MODEL_SUMMARY = f"{_MODELS}/summary.json"

_LEARNING = f"{_DATASET}/learning"
FROZEN = f"{_LEARNING}/frozen.h5"
FOLDS = f"{_LEARNING}/folds.csv"
FULL_POOL = f"{_LEARNING}/full_pool/fold{{fold}}.json"
_FOLD = f"{_LEARNING}/{{strategy}}/fold{{fold}}"
ROUNDS = f"{_FOLD}/rounds.csv"
QUERIES = f"{_FOLD}/queries.csv"
CHOICES = f"{_FOLD}/choices.json"
QUERY_MAPS = f"{_FOLD}/maps.h5"
PROBABILITIES = f"{_FOLD}/probabilities.h5"
STOPS = f"{_FOLD}/stops.csv"
KNEES = f"{_FOLD}/knees.json"
BATCH = f"{_FOLD}/batch_{{cutoff}}.json"
CUTOFFS = ("best", "knee", "best_until_knee")
"""Where a run could have been stopped: the values of ``cutoff``."""
# What a strategy asked for on fold 0, for the report.
ASKED_SHEET = f"{_LEARNING}/{{strategy}}/asked.webp"
ASKED_INDEX = f"{_LEARNING}/{{strategy}}/asked.csv"

_LABELLING = f"{_DATASET}/labelling"
ANSWERS = f"{_LABELLING}/answers.csv"
ANSWER_PROBLEMS = f"{_LABELLING}/problems.csv"
GIVEN_LABELS = f"{_LABELLING}/labels.csv"
DISAGREEMENTS = f"{_LABELLING}/disagreements.csv"
QUEUE = f"{_LABELLING}/queue.csv"
PREDICTIONS = f"{_LABELLING}/predictions.csv"
OVERLAYS = f"{_LABELLING}/overlays.h5"
STATUS = f"{_LABELLING}/status.json"
LABEL_PAGE = f"{_LABELLING}/label.html"
_FINAL = f"{_LABELLING}/final"
FINAL_MODEL = f"{_FINAL}/model.pt"
FINAL_REPORT = f"{_FINAL}/report.json"
FINAL_PREDICTIONS = f"{_FINAL}/predictions.csv"
FINAL_DOUBTFUL = f"{_FINAL}/doubtful.csv"
FINAL_PAGE = f"{_FINAL}/index.html"

# Numbered folders, which stay; what a rule makes is the note of the newest.
BUNDLES = f"{_DATASET}/bundles"
NEWEST_BUNDLE = f"{BUNDLES}/newest.json"

TABLE = f"{RUN}/tables/{{table}}.{{suffix}}"
SUFFIXES = ("csv", "md", "tex")
NODE_FIGURE = f"{RUN}/figures/{{dataset}}_{{node}}_{{kind}}.{{suffix}}"
MODEL_FIGURE = f"{RUN}/figures/{{dataset}}_{{node}}_{{target}}_{{kind}}.{{suffix}}"
DATASET_FIGURE = f"{RUN}/figures/{{dataset}}_{{kind}}.{{suffix}}"
SHEETS = f"{RUN}/figures/{{dataset}}_{{node}}_sheets"
SHEET_INDEX = f"{SHEETS}.csv"
CANDIDATES = f"{RUN}/figures/{{dataset}}_{{node}}_candidates"
CANDIDATE_INDEX = f"{CANDIDATES}.csv"
PAGE = f"{RUN}/report/index.html"
EXPLORER = f"{RUN}/report/explorer/{{dataset}}.html"

BENCHMARKS = f"{RUN}/benchmarks"
LOGS = f"{RUN}/logs"
# Second names of what jobs are making anew; see `nearlabel.kept`.
KEPT = f"{RUN}/.kept"


def log(rule: str, *wildcards: str) -> str:
    """Pattern of a rule's log: ``results/{run}/logs/{rule}/{dataset}/….log``."""
    return f"{LOGS}/{_job(rule, wildcards)}.log"


def benchmark(rule: str, *wildcards: str) -> str:
    """Pattern of a rule's benchmark: ``results/{run}/benchmarks/{rule}/{dataset}/….tsv``."""
    return f"{BENCHMARKS}/{_job(rule, wildcards)}.tsv"


def _job(rule: str, wildcards: tuple[str, ...]) -> str:
    # The folders of a fold are called so wherever there are any.
    return "/".join([rule, *("fold{fold}" if name == "fold" else f"{{{name}}}" for name in wildcards)])


def figure_files(pattern: str, *kinds: str) -> dict[str, str]:
    """Patterns of figures, ``{kind}_svg`` and ``{kind}_png`` of each kind."""
    return {f"{kind}_{suffix}": fill(pattern, kind=kind, suffix=suffix) for kind in kinds for suffix in ("svg", "png")}


def table_files(*tables: str) -> dict[str, str]:
    """Patterns of tables, ``{table}_csv``, ``{table}_md`` and ``{table}_tex`` of each."""
    return {f"{table}_{suffix}": fill(TABLE, table=table, suffix=suffix) for table in tables for suffix in SUFFIXES}


def fill(pattern: str, **fields: str) -> str:
    """Give some of a pattern's fields their values; the others stay fields.

    Raises
    ------
    KeyError
        The pattern has no such field.
    """
    for name, value in fields.items():
        if f"{{{name}}}" not in pattern:
            raise KeyError(f"{pattern} has no field {name}")
        pattern = pattern.replace(f"{{{name}}}", str(value))
    return pattern


def below(run_folder: str | Path, pattern: str, **fields: str) -> Path:
    """Return the file of one run, whose folder may lie anywhere.

    Parameters
    ----------
    run_folder : str or Path
        Stands for ``results/{run}``.
    pattern : str
        One of this module's.
    **fields : str
        All of its fields but ``run``.

    Raises
    ------
    KeyError
        A field is missing, or the pattern has no such field.
    """
    path = fill(pattern.removeprefix(f"{RUN}/"), **fields)
    if "{" in path:
        raise KeyError(f"{path} lacks a field")
    return Path(run_folder) / path


def run_folder(pattern: str, file: str | Path) -> Path:
    """Return the folder of the run that a file belongs to.

    Parameters
    ----------
    pattern : str
        What the file is: one of this module's.
    file : str or Path
        The file.
    """
    return Path(file).parents[len(Path(pattern.removeprefix(f"{RUN}/")).parts) - 1]


def fields_of(pattern: str, file: str | Path) -> dict[str, str]:
    """Return the values that a pattern's fields have in the path of a file, but for the ``run`` that begins with it.

    Raises
    ------
    ValueError
        The path does not end as the pattern does.
    """
    path = Path(file).as_posix()
    found = _compile(pattern).search(path)
    if found is None:
        raise ValueError(f"{path} is not a file of the kind {pattern}")
    return found.groupdict()


def folds_of(pattern: str, files: Iterable[str | Path]) -> list[int]:
    """Numbers of the folds that files of one pattern belong to."""
    return [int(fields_of(pattern, file)["fold"]) for file in files]


def belongs(pattern: str, file: str | Path, **fields: str) -> bool:
    """Whether some of a pattern's fields have given values in the path of a file, which is of that pattern."""
    found = fields_of(pattern, file)
    return all(found[name] == str(value) for name, value in fields.items())


@cache
def _compile(pattern: str) -> re.Pattern:
    parts = re.split(r"\{(\w+)\}", pattern.removeprefix(f"{RUN}/").removeprefix("results/"))
    text = ""
    for literal, name in zip(parts[::2], [*parts[1::2], ""], strict=True):
        text += re.escape(literal) + (f"(?P<{name}>[^/]+)" if name else "")
    return re.compile(f"(?:^|/){text}$")
