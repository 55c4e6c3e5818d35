"""Stop when the validation AUC no longer rises by more than its standard error."""

from typing import ClassVar

from nearlabel.learning.stopping.history import History
from nearlabel.learning.stopping.rules.base import Decision, Rule


class AucPlateau(Rule):
    """No improvement of the validation AUC beyond its standard error for some rounds.

    Parameters
    ----------
    window : int
        Evaluated rounds without one: none has an AUC above the best before them by more than that one's standard
        error.
    """

    name: ClassVar[str] = "auc_plateau"
    needs: ClassVar[frozenset[str]] = frozenset({"validation"})
    assumes: ClassVar[str] = (
        "A heuristic on the model, not on recall: the validation images were drawn uniformly and hold every kind of "
        "defect."
    )

    def __init__(self, window: int = 5):
        self.window = window

    def _decide(self, history: History) -> Decision:
        known = [entry.validation for entry in history.rounds if entry.validation is not None]
        if len(known) <= self.window:
            return Decision("go on", "Too few models were validated.")
        best = max(known[: -self.window], key=lambda validation: validation.auc)
        latest = max(known[-self.window :], key=lambda validation: validation.auc)
        evidence = {"best_auc": best.auc, "error": best.error, "latest_auc": latest.auc}
        if latest.auc <= best.auc + best.error:
            return Decision("stop", "The model gets no better.", 0, evidence)
        return Decision("go on", "The model still gets better.", 0, evidence)
