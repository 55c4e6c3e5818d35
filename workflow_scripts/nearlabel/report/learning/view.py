"""What the page shows of active learning, as its templates take it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from nearlabel.report.base.embedding import embed_file
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.curves import mean_bound, short_batch
from nearlabel.report.learning.curves_svg import describe_fold, draw_curves
from nearlabel.report.learning.finding import describe_learning
from nearlabel.report.learning.frames import mean_and_std, scores_at_best
from nearlabel.report.learning.shapes import PUBLISHED_SUFFIX, format_spread
from nearlabel.report.learning.statistics import count_degenerate
from nearlabel.report.learning.tables import LearningTable, make_learning_tables

# The order on the page, and what each table of a data set is called there.
TITLES = {
    "table1": "AUC ROC: incremental and batch",
    "table1_ap": "Average precision: incremental and batch",
    "table2": "Images labelled at the cut-offs",
    "table3": "AUC ROC at the cut-offs",
    "table3_ap": "Average precision at the cut-offs",
    "knees": "Learning curves and knees",
    "statistics": "Statistics",
    "comparisons": "Strategies compared",
}
# These come in the columns of their CSV, so that a click may sort them.
SORTABLE = ("knees", "comparisons")


def view_learning(
    runs: Sequence[LearningRuns],
    *,
    kinds: Mapping[str, str],
    names: Mapping[str, str],
    settings: Mapping[str, str],
    counter,
    stopping: Mapping[str, pd.DataFrame] | None = None,
) -> dict[str, Any] | None:
    """Arrange what the page shows of a run's active learning.

    Parameters
    ----------
    runs : sequence of LearningRuns
        One for each data set.
    kinds, names : mapping of str to str
        Of `nearlabel.report.learning.tables.make_learning_tables`.
    settings : mapping of str to str
        Short texts to show, such as ``network`` and ``training``; ``weights`` that begin with ``seeded`` get a warning.
    counter : iterator of int
        Numbers that no other part of the page has, for anchors.
    stopping : mapping of str to DataFrame, optional
        Of data sets where stopping rules are compared, from
        `nearlabel.report.learning.stopping.table.stopping_frame`.

    Returns
    -------
    dict or None
        None without any data set.
    """
    if not runs:
        return None
    tables = make_learning_tables(runs, kinds, names)
    shown_as = {name: own for name, own in names.items() if any(name in run.strategies for run in runs)}
    published = [tables[stem].frame["published_mean"].notna().any() for stem in ("table1", "table2", "table3")]
    untrained = str(settings.get("weights", "")).startswith("seeded")
    findings = {
        run.name: describe_learning(run, names=names, stopping=(stopping or {}).get(run.name), untrained=untrained)
        for run in runs
    }
    return {
        "settings": {key.replace("_", " "): text for key, text in _with_sources(settings, runs).items()},
        "untrained": untrained,
        "renamed": {name: own for name, own in shown_as.items() if name != own},
        "overview": [row for run in runs for row in _overview(run)],
        "datasets": [_view_run(run, kinds, names, settings, counter) | {"finding": findings[run.name]} for run in runs],
        # Of one data set, its own table of comparisons says it.
        "wins": view_table(tables["wins"], "Who beats whom") if len(runs) > 1 and len(tables["wins"].frame) else None,
        "published": view_table(tables["published"], "Published values") if any(published) else None,
    }


def _with_sources(settings: Mapping[str, str], runs: Sequence[LearningRuns]) -> dict[str, str]:
    """Say behind the weights where they were found; the jobs that trained know it, the config does not."""
    bounds = [bound for run in runs for bound in run.full_pool.values()]
    sources = sorted({bound["weights_source"] for bound in bounds if bound.get("weights_source")})
    if not sources or "weights" not in settings:
        return dict(settings)
    return dict(settings) | {"weights": f"{settings['weights']}, found in: {', '.join(sources)}"}


def view_table(table: LearningTable, title: str, *, hide: Sequence[str] = (), sortable: bool = False) -> dict[str, Any]:
    """Arrange a table as the template takes it: columns, whether they hold numbers, rows, which rows are the paper's.

    Parameters
    ----------
    table : LearningTable
        Its paper's shape is shown.
    title : str
        Heading.
    hide : sequence of str
        Columns to leave out.
    sortable : bool
        Whether a click on a column sorts.
    """
    shown = table.shown.drop(columns=list(hide))
    rows = [list(row) for row in shown.itertuples(index=False, name=None)]
    return {
        "title": title,
        "caption": table.caption,
        "notes": table.notes,
        "columns": list(shown.columns),
        "numbers": [_holds_numbers(column) for column in zip(*rows, strict=True)] or [False] * shown.shape[1],
        "rows": [{"cells": row, "published": str(row[0]).endswith(PUBLISHED_SUFFIX)} for row in rows],
        "sortable": sortable,
    }


def _holds_numbers(cells: Sequence) -> bool:
    return all("±" in cell or cell[:1] in "–0123456789" if isinstance(cell, str) else True for cell in cells)


def _view_run(run: LearningRuns, kinds, names, settings, counter) -> dict[str, Any]:
    tables = make_learning_tables([run], kinds, names)
    curves = draw_curves(run)
    return {
        "anchor": f"a{next(counter)}",
        "name": run.name,
        "images": run.images,
        "defects": run.defects,
        "duplicates": run.duplicates,
        "folds": run.folds,
        "n_test": run.n_test,
        "n_pool": run.n_pool,
        "strategies": len(run.strategies),
        "short": _describe_short(run, str(settings.get("training", ""))),
        "knees": any(found["knee"] for folds in run.knees.values() for found in folds.values()),
        "curves": {strategy: Markup(drawn) for strategy, drawn in curves.items()},
        # Of many folds, the numbers have no room.
        "numbered": any('class="number"' in drawn for drawn in curves.values()),
        "numbers": [
            {"strategy": strategy, "fold": fold} | describe_fold(run, strategy, fold)
            for strategy in run.strategies
            for fold in range(run.folds)
        ],
        "bound": mean_bound(run.full_pool),
        "strategies_figure": embed_file(run.figures["strategies"]) if len(run.strategies) > 1 else None,
        "tables": [
            view_table(tables[stem], title, hide=["Data set"], sortable=stem in SORTABLE)
            for stem, title in TITLES.items()
            if not tables[stem].frame.empty
        ],
        "maps": [row for strategy in run.strategies if (row := _view_maps(run, strategy))],
    }


def _describe_short(run: LearningRuns, training: str) -> str:
    """Say where the last batch was a short one, and what that means; empty where none was."""
    rounds = next(iter(run.rounds.values())).values()
    short = [sizes for sizes in map(short_batch, rounds) if sizes]
    if not short:
        return ""
    low, high = min(last for last, _ in short), max(last for last, _ in short)
    where = "The last batch" if len(short) == run.folds else f"In {len(short)} of {run.folds} folds the last batch"
    text = f"{where}, an open circle, holds only {low if low == high else f'{low} to {high}'} of {short[0][1]} images"
    if training == "newest_batch":
        return f"{text}, and its model learnt from these alone: where a curve dives at its end, that is why."
    return f"{text}, all that the pool had left."


def _overview(run: LearningRuns) -> list[dict[str, Any]]:
    bound = format_spread(*mean_and_std(full["test_auc"] for full in run.full_pool.values())[1:])
    rows = []
    for strategy in run.strategies:
        folds = run.knees[strategy].values()
        labelled = mean_and_std(found["best"] and found["best"]["n_labelled"] for found in folds)
        rows.append(
            {
                "dataset": run.name,
                "strategy": strategy,
                "folds": run.folds,
                "auc": format_spread(*mean_and_std(scores_at_best(run, strategy))[1:]),
                "ap": format_spread(*mean_and_std(scores_at_best(run, strategy, "test_ap"))[1:]),
                "labelled": format_spread(*labelled[1:], 0),
                "pool": run.n_pool,
                "bound": bound,
            }
        )
    return rows


def _view_maps(run: LearningRuns, strategy: str) -> dict[str, Any] | None:
    """Say how a strategy's activation maps were made and how many selected ones were degenerate; None without maps."""
    choices = [run.choices[strategy][fold] for fold in range(run.folds)]
    ways = dict.fromkeys(choice["maps"] for choice in choices if choice["maps"])
    if not ways:
        return None
    sizes = dict.fromkeys(" × ".join(map(str, choice["map_size"])) for choice in choices if choice["map_size"])
    counts = [count_degenerate(run, strategy, fold) for fold in range(run.folds)]
    degenerate, selected = (sum(column) for column in zip(*counts, strict=True))
    return {
        "strategy": strategy,
        "way": ", ".join(ways),
        "size": ", ".join(sizes),
        "degenerate": degenerate,
        "selected": selected,
        "share": degenerate / selected if selected else None,
    }
