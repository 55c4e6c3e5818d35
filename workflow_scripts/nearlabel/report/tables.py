"""Tables of a run: each as CSV (full precision) with Markdown and LaTeX twins (rounded for reading)."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.images.files import write_csv, written_whole
from nearlabel.report.text import visible

GROUPING_COLUMNS = [
    "dataset",
    "node",
    "encoder",
    "algorithm",
    "k",
    "silhouette",
    "entropy",
    "c_score",
    "ami",
    "chosen_by",
    "winner",
    "published",
]

# What the paper took on Severstal at each level, sections 5.1 and 5.2. It prints no score, so there is none to stand
# beside ours, and its deeper levels start from its own cluster numbers.
PUBLISHED_CHOICES = {
    "severstal": [
        "vgg16, agglomerative, k = 3",
        "spectral, k = 48, of its cluster 1",
        "gaussian_mixture, k = 2, by eye, of its cluster 25",
    ]
}

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}
# A name such as <script> or *a* must not act in a Markdown viewer.
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~$])")


def format_number(value) -> str:
    """Return a table cell as a person reads it: four significant digits, integers whole, missing as a dash."""
    if value is None or value is pd.NA:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            return "–"
        if float(value).is_integer() and abs(value) < 1e6:
            return str(int(value))
        return f"{value:.4f}" if 0.1 <= abs(value) < 10 else f"{value:.4g}"
    return visible(value)


def escape_markdown(text) -> str:
    """Return text that a Markdown table cell shows as it stands, on one line."""
    return _MARKDOWN.sub(r"\\\1", visible(text))


def escape_latex(text) -> str:
    """Return text that LaTeX prints as it stands, on one line."""
    return "".join(_LATEX.get(c, c) for c in visible(text))


def markdown_table(frame: pd.DataFrame, caption: str) -> str:
    """Return a frame as a Markdown pipe table under its caption, numbers to the right."""
    rows = [[escape_markdown(format_number(v)) for v in row] for row in frame.itertuples(index=False, name=None)]
    rule = ["---:" if right else ":---" for right in _is_number(frame)]
    lines = [[escape_markdown(c) for c in frame.columns], rule, *rows]
    return f"{escape_markdown(caption)}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def latex_table(frame: pd.DataFrame, caption: str) -> str:
    """Return a frame as a LaTeX table (package booktabs) with its caption, numbers to the right."""
    columns = "".join("r" if right else "l" for right in _is_number(frame))
    header = " & ".join(escape_latex(c) for c in frame.columns)
    rows = [
        " & ".join(escape_latex(format_number(v)) for v in row) + r" \\"
        for row in frame.itertuples(index=False, name=None)
    ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        rf"{header} \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def write_table(frame: pd.DataFrame, stem, caption: str, shown: pd.DataFrame | None = None) -> None:
    """Write a table as ``{stem}.csv``, ``{stem}.md`` and ``{stem}.tex``.

    The CSV holds every digit; the twins round to four significant digits, show a missing value as a dash and escape
    whatever text would act as markup.

    Parameters
    ----------
    frame : DataFrame
        Written without its index.
    stem : str or Path
        Path without suffix.
    caption : str
        One sentence that says what the table holds.
    shown : DataFrame, optional
        What the twins hold where a person reads the table in another shape.
    """
    stem = Path(stem)
    write_csv(stem.with_name(f"{stem.name}.csv"), frame)
    frame = frame if shown is None else shown
    for suffix, text in (("md", markdown_table(frame, caption)), ("tex", latex_table(frame, caption))):
        with written_whole(stem.with_name(f"{stem.name}.{suffix}")) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")


def best_clustering(scores: pd.DataFrame, excluded=()) -> pd.Series | None:
    """Return the row of ``scores`` with the highest silhouette; ties: lower entropy, then smaller k.

    A clustering that tears identical images apart (flag ``identical_points``) comes in only where there is no other.

    Parameters
    ----------
    scores : DataFrame
        One encoder's ``scores.csv``.
    excluded : iterable of str
        Algorithms left out.

    Returns
    -------
    Series or None
        None where no silhouette is defined.
    """
    left = scores[~scores["algorithm"].isin(list(excluded)) & scores["silhouette"].notna()]
    if left.empty:
        return None
    whole = left[~left["flags"].astype(str).str.contains("identical_points", regex=False)]
    left = left if whole.empty else whole
    return left.sort_values(["silhouette", "entropy", "k"], ascending=[False, True, True], kind="stable").iloc[0]


def winning_row(scores: dict[str, pd.DataFrame], selection: dict) -> pd.Series:
    """Return the row of ``scores`` that ``selection`` names.

    Raises
    ------
    ValueError
        Where the scores hold no such row: the files belong to different runs.
    """
    frame = scores.get(selection["encoder"], pd.DataFrame(columns=["algorithm", "k"]))
    rows = frame[(frame["algorithm"] == selection["algorithm"]) & (frame["k"] == selection["k"])]
    if rows.empty:
        raise ValueError(
            f"the selection names {selection['encoder']}, {selection['algorithm']}, k = {selection['k']}, which the "
            "scores do not hold; run select_clustering again"
        )
    return rows.iloc[0]


def grouping_table(nodes, kinds: dict[str, str] | None = None) -> pd.DataFrame:
    """Return the best clustering of every encoder at every node.

    Parameters
    ----------
    nodes : iterable of (str, str, dict of str to DataFrame, dict)
        Data set, node, ``scores.csv`` by encoder, and the content of the node's ``selection.json``.
    kinds : dict of str to str, optional
        Kind of each data set as the config gives it; a kind that the paper clustered gets the paper's choice beside
        it.

    Returns
    -------
    DataFrame
        ``GROUPING_COLUMNS``, one row per data set, node and encoder. The winner's row is the selected clustering,
        ``chosen_by`` the node's criterion; another encoder's row is its highest silhouette among the algorithms that
        were not excluded.
    """
    kinds = kinds or {}
    rows = []
    for dataset, node, scores, selection in nodes:
        for encoder, frame in scores.items():
            winner = encoder == selection["encoder"]
            excluded = [e["algorithm"] for e in selection["excluded"] if e["encoder"] == encoder]
            best = winning_row(scores, selection) if winner else best_clustering(frame, excluded)
            row = {} if best is None else best.to_dict()
            row |= {"dataset": dataset, "node": node, "encoder": encoder, "winner": winner}
            row["chosen_by"] = selection["criterion"] if winner else "silhouette"
            published = PUBLISHED_CHOICES.get(kinds.get(dataset, ""), [])
            row["published"] = published[node.count(".")] if node.count(".") < len(published) else ""
            rows.append({column: row.get(column) for column in GROUPING_COLUMNS})
    return pd.DataFrame(rows, columns=GROUPING_COLUMNS).astype({"k": "Int64"})


def _is_number(frame: pd.DataFrame) -> list[bool]:
    return [pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_bool_dtype(t) for t in frame.dtypes]
