"""The tables of active learning in the paper's shape: a column for each strategy, cells like 0.8967 ± 0.0133."""

from collections.abc import Callable, Sequence

import pandas as pd

from nearlabel.report.learning.published import STRATEGIES

LEARNING_LABELS = {"incremental": "Incremental", "batch": "Batch"}
CUTOFF_LABELS = {"best": "Best", "knee": "Knee", "best_until_knee": "Best until the knee"}
MEASURE_LABELS = {
    "aubc": "Area under the budget curve, AUC ROC",
    "aubc_ap": "Area under the budget curve, average precision",
    "images_to_95": "Images to 95 % of the full-pool AUC",
    "degenerate_share": "Degenerate maps, share of the images selected",
    "test_auc_at_best": "Test AUC ROC at best",
}
# Short: the table is wide.
COMPARED_LABELS = {"aubc": "Budget curve", "test_auc_at_best": "AUC at best"}
KNEE_HEADERS = {
    "dataset": "Data set",
    "strategy": "Strategy",
    "folds_with_knee": "Folds with a knee",
    "best_before_knee": "Best before the knee (share)",
    "slope_before": "AUC per 100 images before",
    "slope_after": "AUC per 100 images after",
}
COMPARISON_HEADERS = {
    "dataset": "Data set",
    "measure": "Measure",
    "first": "First",
    "second": "Second",
    "folds": "Folds",
    "mean_difference": "First − second",
    "t": "t",
    "t_p": "p of t",
    "t_p_holm": "p of t, Holm",
    "wilcoxon": "W",
    "wilcoxon_p": "p of W",
    "wilcoxon_p_holm": "p of W, Holm",
}
PUBLISHED_SUFFIX = ", published"


def format_spread(mean, std, decimals: int = 4) -> str:
    """Return ``mean ± std``, a dash for a missing standard deviation; a dash alone where there is no mean."""
    if pd.isna(mean):
        return "–"
    return f"{mean:.{decimals}f} ± {'–' if pd.isna(std) else f'{std:.{decimals}f}'}"


def shape_table1(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out `learning_frames.table1`: a row for each data set and way of learning, the full-pool bound at the end."""
    shown = _lay_out(frame, "learning", "Learning", LEARNING_LABELS, _score_cell)
    bounds = frame[frame["learning"] == "full_pool"].set_index("dataset")
    published = shown["Learning"].str.endswith(PUBLISHED_SUFFIX)
    shown["Full pool"] = [
        "–" if hide else _score_cell(bounds.loc[name]) for name, hide in zip(shown["Data set"], published, strict=True)
    ]
    return shown


def shape_table2(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out `learning_frames.table2`: a row for each data set and cut-off."""
    return _lay_out(frame, "cutoff", "Cut-off", CUTOFF_LABELS, _count_cell)


def shape_table3(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out `learning_frames.table3`: for each data set and cut-off what we report, what choosing on test claims."""
    more = {"chosen_on_test": ", if chosen on test", "batch": ", trained anew in a batch"}
    shown = _lay_out(frame, "cutoff", "Cut-off", CUTOFF_LABELS, _score_cell, more)
    # No score is used to choose the knee.
    return shown[shown["Cut-off"] != CUTOFF_LABELS["knee"] + more["chosen_on_test"]].reset_index(drop=True)


def shape_statistics(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out `learning_statistics.statistics_table`: a row for each data set and measure."""

    def cell(row):
        return _count_cell(row) if row["measure"] == "images_to_95" else _score_cell(row)

    return _lay_out(frame, "measure", "Measure", MEASURE_LABELS, cell)


def shape_knees(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out `learning_frames.knee_table`."""
    counts = [f"{found} of {folds}" for found, folds in zip(frame["folds_with_knee"], frame["folds"], strict=True)]
    return frame.assign(folds_with_knee=counts)[list(KNEE_HEADERS)].rename(columns=KNEE_HEADERS)


def shape_comparisons(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out `learning_statistics.comparison_table`."""
    measures = frame["measure"].map(COMPARED_LABELS)
    return frame.assign(measure=measures)[list(COMPARISON_HEADERS)].rename(columns=COMPARISON_HEADERS)


def shape_wins(frame: pd.DataFrame, strategies: Sequence[str]) -> pd.DataFrame:
    """Lay out `learning_statistics.win_table`: a matrix for each measure, winners as rows, losers as columns."""
    rows = []
    for measure, own in frame.groupby("measure", sort=False):
        wins = {(row.winner, row.loser): str(row.wins) for row in own.itertuples()}
        datasets = int(own["datasets"].iloc[0])
        for winner in strategies:
            cells = [wins.get((winner, loser), "–") for loser in strategies]
            rows.append([MEASURE_LABELS[measure], datasets, winner, *cells])
    return pd.DataFrame(rows, columns=["Measure", "Data sets", "Winner", *strategies])


def shape_published(frame: pd.DataFrame) -> pd.DataFrame:
    """Lay out `published.published_table` as the paper does."""
    labels = LEARNING_LABELS | CUTOFF_LABELS
    rows = []
    for (table, dataset, row), own in frame.groupby(["table", "dataset", "row"], sort=False):
        decimals = 0 if table == "table2" else 4
        cells = [format_spread(cell.mean, cell.std, decimals) for cell in own.itertuples()]
        notes = "; ".join(dict.fromkeys(note for note in own["note"] if note))
        rows.append([table.replace("table", "Table "), dataset, labels[row], *cells, notes])
    return pd.DataFrame(rows, columns=["Table", "Data set", "Row", *STRATEGIES, "Note"])


def _lay_out(
    frame: pd.DataFrame,
    key: str,
    header: str,
    labels: dict[str, str],
    cell: Callable[[pd.Series], str],
    more: dict[str, str] | None = None,
) -> pd.DataFrame:
    """One row for each data set and value of `key`, then what the paper has for it, then the columns of `more`."""
    strategies = [name for name in frame["strategy"].unique() if name]
    rows = []
    for dataset, own in frame.groupby("dataset", sort=False):
        for value, label in labels.items():
            cells = own[own[key] == value].set_index("strategy").reindex(strategies)
            if cells["folds"].isna().all():
                continue  # No strategy has maps.
            if key == "cutoff" and not cells["folds_with"].any() and cells["published_mean"].isna().all():
                continue  # No fold has a knee.
            rows.append([dataset, label, *(cell(row) for _, row in cells.iterrows())])
            for prefix, suffix in ({"published": PUBLISHED_SUFFIX} | (more or {})).items():
                if prefix == "published" and ("published_mean" not in cells or cells["published_mean"].isna().all()):
                    continue
                spreads = cells[[f"{prefix}_mean", f"{prefix}_std"]].itertuples(index=False, name=None)
                decimals = 0 if cell is _count_cell else 4
                rows.append([dataset, label + suffix, *(format_spread(*spread, decimals) for spread in spreads)])
    return pd.DataFrame(rows, columns=["Data set", header, *strategies])


def _score_cell(row: pd.Series) -> str:
    return format_spread(row["mean"], row["std"]) + _folds_note(row)


def _count_cell(row: pd.Series) -> str:
    return format_spread(row["mean"], row["std"], 0) + _folds_note(row)


def _folds_note(row: pd.Series) -> str:
    """Say how many folds have a value where not all do; nothing where the strategy has no such row at all."""
    if pd.isna(row["folds"]) or row["folds_with"] == row["folds"]:
        return ""
    return f" ({row['folds_with']:.0f} of {row['folds']:.0f} folds)"
