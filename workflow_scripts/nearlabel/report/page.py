"""The page of a run: one HTML file that needs nothing beside it, neither network nor other files."""

import base64
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nearlabel.files import written_whole
from nearlabel.report.base.ledger import Ledger
from nearlabel.report.base.tables import format_number
from nearlabel.report.base.text import shorten, visible
from nearlabel.report.grouping.collect import DatasetReport
from nearlabel.report.grouping.overlays import FAINT, FULL
from nearlabel.report.grouping.tables import grouping_table
from nearlabel.report.grouping.views import view_dataset
from nearlabel.report.grouping.wording import CRITERIA, EVIDENCE_HEADERS, SCORE_HEADERS
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.view import view_learning
from nearlabel.sources import data_path

TEMPLATES = data_path(__file__, "templates")
REJECTED_SHOWN = 200
OPEN_CLUSTERS = 6


def write_page(
    output,
    *,
    run: str,
    config: str,
    versions: dict[str, str],
    machine: dict[str, str],
    stages: pd.DataFrame,
    datasets: list[DatasetReport],
    kinds: dict[str, str] | None = None,
    learning: Sequence[LearningRuns] = (),
    stopping: Mapping[str, dict[str, Any]] | None = None,
    labelling: Mapping[str, Any] | None = None,
    strategies: dict[str, str] | None = None,
    settings: dict[str, str] | None = None,
    ledgers: Mapping[str, Ledger] | None = None,
    warnings: dict[str, list[str]] | None = None,
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
    config : str
        The configuration as YAML text.
    versions, machine : dict of str to str
        From `provenance.library_versions` and `provenance.describe_machine`.
    stages : DataFrame
        From `provenance.read_benchmarks`.
    datasets : list of DatasetReport
        From `collect.collect_dataset`; empty in a run without grouping.
    kinds : dict of str to str, optional
        See `tables.grouping_table`.
    learning : sequence of LearningRuns
        From `learning_collect.collect_learning`; empty in a run without active learning.
    stopping : mapping of str to dict, optional
        Of learnt data sets, what `stopping_view.view_stopping` shows of the stopping rules compared there.
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
    """
    environment = page_environment()
    script = (TEMPLATES / "tables.js").read_text(encoding="utf-8")
    summary = grouping_table(
        ((data.name, node.name, node.scores, node.selection) for data in datasets for node in data.nodes), kinds
    )
    counter = itertools.count()
    ledgers = ledgers or {}
    grouped, learnt = {data.name for data in datasets}, {run.name for run in learning}
    html = environment.get_template("page.html").render(
        run=run,
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        config=config.splitlines(),
        versions=versions,
        machine=machine,
        stages=stages,
        datasets=[view_dataset(data, summary, ledgers.get(data.name, Ledger()), counter) for data in datasets],
        # Of data sets that are learnt, or labelled, alone; those of the others are shown elsewhere.
        learnt_ledgers={name: ledger for name, ledger in ledgers.items() if name not in grouped},
        labelled_ledgers={name: ledger for name, ledger in ledgers.items() if name not in grouped | learnt},
        learning=view_learning(
            learning, kinds=kinds or {}, names=strategies or {}, settings=settings or {}, counter=counter
        ),
        labelling=labelling,
        stopping=stopping or {},
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
