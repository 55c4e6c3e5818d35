"""Defects found over images labelled, and how many there may be in all."""

import json
from pathlib import Path

from nearlabel.report.base.figures import COLORBLIND, GREY, INK, STYLE, save_figure


def plot_progress(status, stem) -> None:
    """Plot the defects found after every round, and the interval of all defects that the draws leave.

    Parameters
    ----------
    status : str or Path
        ``status.json``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    found = json.loads(Path(status).read_text(encoding="utf-8"))
    rows = [
        (row["labelled"], row["defects"], row["left_low"], row["left"], row["left_high"]) for row in found["rounds"]
    ]
    left = found["defects_left"] or {}
    now = (found["labelled"], found["defects"], *(left.get(name) for name in ("low", "estimate", "high")))
    if now[0] != rows[-1][0]:
        rows.append(now)
    labelled, defects = [row[0] for row in rows], [row[1] for row in rows]
    known = [row for row in rows if row[4] is not None]
    with rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axis = figure.subplots()
        if known:
            x = [row[0] for row in known]
            low, middle, high = ([row[1] + row[place] for row in known] for place in (2, 3, 4))
            axis.fill_between(
                x, low, high, color=COLORBLIND[1], alpha=0.22, linewidth=0, label="All defects: 95 % interval"
            )
            axis.plot(x, middle, color=COLORBLIND[1], linewidth=1.2, label="All defects: estimate")
        axis.plot(labelled, defects, color=COLORBLIND[0], marker="o", markersize=3.5, label="Defects found")
        for row in found["rounds"]:
            if row["certify"]:
                axis.axvline(row["labelled"], color=GREY, linestyle="--", linewidth=1)
                axis.annotate(
                    f"{row['certify']} drawn to certify",
                    (row["labelled"], 0.02),
                    xycoords=("data", "axes fraction"),
                    xytext=(3, 0),
                    textcoords="offset points",
                    fontsize=7.5,
                    color=INK,
                )
        axis.set(xlabel=f"Images labelled, of {found['images']}", ylabel="Defects", xlim=(0, None), ylim=(0, None))
        axis.legend(loc="upper left", bbox_to_anchor=(0, 1.0))
        save_figure(figure, stem)
