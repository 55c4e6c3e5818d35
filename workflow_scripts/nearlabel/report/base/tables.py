"""Tables of a run: each as CSV (full precision) with Markdown and LaTeX twins (rounded for reading)."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.files import write_csv, written_whole
from nearlabel.report.base.text import visible

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
        if np.isinf(value):
            return "∞" if value > 0 else "−∞"
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


def _is_number(frame: pd.DataFrame) -> list[bool]:
    return [pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_bool_dtype(t) for t in frame.dtypes]
