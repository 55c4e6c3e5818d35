"""How good the final network is: ROC, precision over recall, and what the threshold does."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from nearlabel.report.base.figures import COLORBLIND, GREY, INK, STYLE, save_figure

BINS = 25


def plot_final(report, predictions, stem) -> None:
    """Plot ROC, precision over recall, and what the threshold parts: probabilities of good and defective images.

    Parameters
    ----------
    report, predictions : str or Path
        ``final/report.json`` and ``final/predictions.csv``.
    stem : str or Path
        Path without suffix; ``.svg`` and ``.png`` are written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    found = json.loads(Path(report).read_text(encoding="utf-8"))
    curve = {name: np.array(values) for name, values in found["curve"].items()}
    table = pd.read_csv(predictions, dtype={"image_id": str, "label": str}, keep_default_na=False, na_values=[""])
    judged = table[table["weight"] > 0]
    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, 3.1), layout="constrained")
        roc, precision, counts = figure.subplots(1, 3)
        roc.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        roc.plot(np.append(0, curve["false_alarms"]), np.append(0, curve["recall"]), color=COLORBLIND[0])
        roc.plot(found["false_alarms"], found["recall"], "o", color=COLORBLIND[3])
        roc.set(xlabel="False alarms, share of good", ylabel="Recall of defects", title=f"ROC, AUC {found['auc']:.3f}")
        precision.plot(curve["recall"], curve["precision"], color=COLORBLIND[0], drawstyle="steps-pre")
        precision.plot(found["recall"], found["precision"], "o", color=COLORBLIND[3])
        precision.set(
            xlabel="Recall of defects",
            ylabel="Precision",
            title=f"Precision–recall, AP {found['average_precision']:.3f}",
            ylim=(0, 1.03),
        )
        bins = np.linspace(0, 1, BINS + 1)
        for value, name, color in ((0, "good", COLORBLIND[0]), (1, "defective", COLORBLIND[1])):
            of_kind = judged[judged["defective"] == value]
            counts.hist(
                of_kind["judged_without"],
                bins=bins,
                weights=of_kind["weight"],
                color=color,
                alpha=0.65,
                label=name,
            )
        counts.axvline(found["threshold"], color=INK, linestyle="--", linewidth=1, label="threshold")
        counts.set(xlabel="Probability of a defect", ylabel="Images (weighted)", title="What the threshold parts")
        counts.legend()
        save_figure(figure, stem)
