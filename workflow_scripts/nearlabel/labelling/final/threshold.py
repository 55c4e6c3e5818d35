"""The threshold of the final network, and how good it is there."""

from typing import Any

import numpy as np

from nearlabel.labelling.curve import Curve


def choose_threshold(curve: Curve, aim: str, value: float) -> dict[str, Any]:
    """Choose a threshold.

    Parameters
    ----------
    curve : Curve
    aim : {"recall", "precision"}
        ``recall``: the highest threshold that finds at least that share of defects, for fewest false alarms;
        ``precision``: the lowest one at which at least that share of alarms are defects, for most defects found.
    value : float
        Between 0 and 1.

    Returns
    -------
    dict
        threshold; reached (whether the aim is; if no threshold reaches a precision, the one of the highest is taken);
        recall, precision, false_alarms there.
    """
    # Sums of weights have rounding errors; a share that is met but for these is met.
    good_enough = (curve.recall if aim == "recall" else curve.precision) >= value - 1e-12
    places = np.flatnonzero(good_enough)
    # A recall is always reached, at the latest where all are called defective.
    best = int(np.argmax(curve.precision))
    place = best if not len(places) else places[0] if aim == "recall" else places[-1]
    return {
        "threshold": float(curve.thresholds[place]),
        "reached": bool(len(places)),
        "recall": float(curve.recall[place]),
        "precision": float(curve.precision[place]),
        "false_alarms": float(curve.false_alarms[place]),
    }
