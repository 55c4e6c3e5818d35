"""Where labelling stands, as the report's template takes it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nearlabel.report.base.embedding import embed_file

STATES = {
    "waiting": "not begun",
    "drawn": "its images are being labelled",
    "missed": "too many defects in its last draw: the strategy goes on",
    "certified": "certified",
    "certain": "reached, whatever the images are that are left",
}
RULES = {
    "hypergeometric": "Hypergeometric test on the order (CHM)",
    "knee_prefix": "Knee of the curve so far (Kneedle)",
    "slope_ratio": "Slope ratio (Cormack and Grossman's knee)",
    "budget": "Budget (Cormack and Grossman)",
    "quant": "Sum of probabilities (QUANT)",
    "quant_ci": "Sum of probabilities, with interval (QUANT CI)",
    "kappa": "Predictions agree (kappa)",
    "classification_change": "Predictions do not change",
    "auc_plateau": "AUC rises no more",
    "defects_left_knee": "Knee of the estimated defects left",
}


def view_labelling(dataset: str, status, figure) -> dict[str, Any]:
    """Arrange what the report shows of labelling.

    Parameters
    ----------
    dataset : str
        Name of the data set that is labelled.
    status : str or Path
        ``status.json``.
    figure : str or Path
        Defects found over images labelled, an SVG.

    Returns
    -------
    dict
        For the template ``labelling.html``.
    """
    found: dict[str, Any] = json.loads(Path(status).read_text(encoding="utf-8"))
    certificate = found["certificate"]
    return {
        "dataset": dataset,
        "figure": embed_file(figure),
        "state": STATES[certificate["state"]],
        "level": 1 - certificate["alpha"],
        "heuristics": [{**row, "name": RULES.get(row["rule"], row["rule"])} for row in found["heuristics"]],
        "kinds": _list_kinds(found),
        **{name: found[name] for name in found if name != "heuristics"},
    }


def _list_kinds(found: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Labels and how many images have each, the most frequent first; then those without one."""
    named = sorted(found["labels"].items(), key=lambda entry: (-entry[1], entry[0]))
    # Annotators agree that there is a defect, but not of which kind.
    named = [(name or "defective, kind disputed", count) for name, count in named]
    without = [(name, found[name]) for name in ("unsure", "skipped", "disputed") if found[name]]
    return [*named, *without]
