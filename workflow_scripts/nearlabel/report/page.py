"""The page of a run: one HTML file that needs nothing beside it, neither network nor other files."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nearlabel.files import written_whole
from nearlabel.labelling.page.writing import policy_hash
from nearlabel.report.base.cost import format_duration, format_memory, view_cost
from nearlabel.report.base.ledger import Ledger
from nearlabel.report.base.tables import format_number
from nearlabel.report.base.text import shorten, visible
from nearlabel.report.grouping.collect import DatasetReport
from nearlabel.report.grouping.pictures.overlays import FAINT, FULL
from nearlabel.report.grouping.tables.clusterings import grouping_table
from nearlabel.report.grouping.views import view_dataset
from nearlabel.report.grouping.wording import CRITERIA, EVIDENCE_HEADERS, SCORE_HEADERS
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.view import view_learning
from nearlabel.report.overview.view import view_overview
from nearlabel.sources import data_path

TEMPLATES = data_path(__file__, "templates")
STYLES = ("style.css", "learning.css", "cost.css")
REJECTED_SHOWN = 200
OPEN_CLUSTERS = 6


def write_page(
    output,
    *,
    run: str,
    config: Mapping[str, Any],
    command: str = "snakemake --cores all",
    versions: dict[str, str],
    machine: dict[str, str],
    stages: pd.DataFrame,
    datasets: list[DatasetReport],
    speeds: Sequence[Mapping[str, Any]] = (),
    changes: Sequence[Mapping[str, Any]] = (),
    kinds: dict[str, str] | None = None,
    learning: Sequence[LearningRuns] = (),
    stopping: Mapping[str, dict[str, Any]] | None = None,
    asked: Mapping[str, list[dict[str, Any]]] | None = None,
    labelling: Mapping[str, Any] | None = None,
    strategies: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
    ledgers: Mapping[str, Ledger] | None = None,
    warnings: dict[str, list[str]] | None = None,
    explorers: Mapping[str, str] | None = None,
) -> None:
    """Write the report of a run as one HTML file.

    Every text from files or config is escaped; the page's policy forbids any network access and any script but its
    own.

    Parameters
    ----------
    output : str or Path
        ``report/index.html``.
    run : str
        Name of the run.
    config : mapping
        The run's whole configuration.
    command : str
        What runs the workflow, config files included; the page tells what to run next by it.
    versions, machine : dict of str to str
        From `provenance.library_versions` and `provenance.describe_machine`.
    stages : DataFrame
        From `provenance.read_benchmarks`.
    datasets : list of DatasetReport
        From `collect.collect_dataset`; empty in a run without grouping.
    speeds, changes : sequence of mapping, optional
        From `nearlabel.report.base.cost`: `read_speeds` and `estimate_reruns`.
    kinds : dict of str to str, optional
        See `tables.grouping_table`.
    learning : sequence of LearningRuns
        From `nearlabel.report.learning.collect.collect_learning`; empty in a run without active learning.
    stopping : mapping of str to dict, optional
        Of learnt data sets where stopping rules are compared, what
        `nearlabel.report.learning.stopping.view.view_stopping` shows of them.
    asked : mapping of str to list of dict, optional
        Of learnt data sets, from `nearlabel.report.learning.asked_view.view_asked`.
    labelling : mapping, optional
        From `nearlabel.report.labelling.view.view_labelling`.
    strategies : dict of str to str, optional
        Id of a query strategy → its name.
    settings : dict of str to str, optional
        Of active learning, as short texts; see `learning_view.view_learning`.
    ledgers : mapping of str to Ledger, optional
        What became of the files of each data set.
    warnings : dict of str to list of str, optional
        What jobs warned of → which jobs, from `nearlabel.report.base.provenance.read_warnings`.
    explorers : mapping of str to str, optional
        Address of the explorer of each data set that has one, from the page.
    """
    environment = page_environment()
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in STYLES)
    summary = grouping_table(
        ((data.name, node.name, node.scores, node.selection) for data in datasets for node in data.nodes), kinds
    )
    counter = itertools.count()
    ledgers = ledgers or {}
    grouped, learnt = {data.name for data in datasets}, {run.name for run in learning}
    views = [view_dataset(data, summary, ledgers.get(data.name, Ledger()), counter) for data in datasets]
    html = environment.get_template("page.html").render(
        run=run,
        style=Markup(style),
        style_hash=policy_hash(style),
        script=Markup(script),
        script_hash=policy_hash(script),
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True).splitlines(),
        versions=versions,
        machine=machine,
        cost=view_cost(stages, speeds, changes),
        datasets=views,
        overview=view_overview(datasets, views, config, command),
        explorers=explorers or {},
        # Of data sets that are learnt, or labelled, alone; those of the others are shown elsewhere.
        learnt_ledgers={name: ledger for name, ledger in ledgers.items() if name not in grouped},
        labelled_ledgers={name: ledger for name, ledger in ledgers.items() if name not in grouped | learnt},
        learning=view_learning(
            learning,
            kinds=kinds or {},
            names=strategies or {},
            settings=settings or {},
            counter=counter,
            stopping={name: shown["frame"] for name, shown in (stopping or {}).items()},
        ),
        labelling=labelling,
        stopping=stopping or {},
        asked=asked or {},
        warnings=warnings or {},
        criteria=CRITERIA,
        headers=SCORE_HEADERS,
        evidence_headers=EVIDENCE_HEADERS,
        rejected_shown=REJECTED_SHOWN,
        open_clusters=OPEN_CLUSTERS,
        novelty_range=(FAINT, FULL),
    )
    with written_whole(output) as partial:
        partial.write_text(html, encoding="utf-8", newline="\n")


def page_environment() -> Environment:
    """Templates of the report's pages: every text is escaped, signs that cannot be seen are shown."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["shorten"] = shorten
    environment.filters["score"] = format_score
    environment.filters["number"] = format_number
    environment.filters["fixed"] = format_fixed
    environment.filters["duration"] = format_duration
    environment.filters["memory"] = format_memory
    return environment


def format_score(value, column: str = "") -> str:
    """Return a score with four decimals (the convergence difference, which is small, with six), integers whole."""
    if isinstance(value, float) and not pd.isna(value):
        return f"{value:.6f}" if column == "convergence_difference" else f"{value:.4f}"
    return format_number(value)


def format_fixed(value, decimals: int = 0) -> str:
    """Return a number with a fixed count of decimals, a dash where it is missing; what rounds to 0 has no sign."""
    return "–" if pd.isna(value) else f"{round(float(value), decimals) + 0.0:.{decimals}f}"


def _finalize(value):
    # Applies to every expression of the template; what is already markup is ours.
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
