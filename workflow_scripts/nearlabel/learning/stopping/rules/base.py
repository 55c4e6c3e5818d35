"""What every stopping rule is: a class that looks at all that was labelled so far and says what to do now."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from nearlabel.learning.stopping.history import History

NEEDS = frozenset({"probabilities", "validation", "hindsight"})
"""What a rule may need beyond labels; hindsight, the whole curve, exists in simulations only."""


@dataclass(frozen=True)
class Decision:
    """What to do now.

    Attributes
    ----------
    action : {"go on", "audit", "stop"}
        Label another batch, label a uniform audit first, or stop.
    audit : int
        Images to draw uniformly from all that are left, for "audit"; else 0. Draw them with a seed, write them down,
        and label all of them before asking again.
    reason : str
        One plain sentence.
    evidence : dict of str to int or float
        The numbers behind it.
    """

    action: str
    reason: str
    audit: int = 0
    evidence: dict[str, int | float] = field(default_factory=dict)


class Rule(ABC):
    """A stopping rule. It keeps no state: the same history gives the same decision.

    Attributes
    ----------
    name : str
        Key of the registry.
    needs : frozenset of str
        Of `NEEDS`.
    guarantees : bool
        Whether a stop means that the target recall is missed with a probability of at most alpha, for any strategy.
    assumes : str
        What must be true for the rule to be right, in one sentence for users.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[str]] = frozenset()
    guarantees: ClassVar[bool] = False
    assumes: ClassVar[str]

    def decide(self, history: History) -> Decision:
        """Say what to do after the rounds and audits so far.

        Parameters
        ----------
        history : History

        Returns
        -------
        Decision
            "stop" where nothing is left. "go on" where the last round lacks probabilities or a validation that the
            rule needs: it was not evaluated.

        Raises
        ------
        ValueError
            The rule needs hindsight and the history has none, or a validation set that is not drawn uniformly.
        """
        counts = {"labelled": history.labelled, "found": history.found, "left": history.left}
        if not history.left:
            return Decision("stop", "Every image is labelled.", evidence=counts)
        if "hindsight" in self.needs and history.whole_curve is None:
            raise ValueError(f"rule '{self.name}' needs the curve of the finished run; use it in simulations only")
        if "validation" in self.needs:
            self._refuse_biased(history)
        if not history.rounds:
            return Decision("go on", "Nothing is labelled yet.", evidence=counts)
        for need in sorted(self.needs - {"hindsight"}):
            if getattr(history.rounds[-1], need) is None:
                return Decision("go on", f"The last round has no {need}.", evidence=counts)
        decision = self._decide(history)
        return Decision(decision.action, decision.reason, decision.audit, counts | decision.evidence)

    def _refuse_biased(self, history: History) -> None:
        for entry in history.rounds:
            if entry.validation is not None and entry.validation.drawn != "uniform":
                raise ValueError(
                    f"rule '{self.name}' was given a validation set that is {entry.validation.drawn}: it knows more of "
                    "the defects than the person who labels; draw one uniformly, or take another rule"
                )

    @abstractmethod
    def _decide(self, history: History) -> Decision:
        """`decide` of a history with a round, something left, and all that is needed in the last round."""
