"""Label by any strategy until it is quiet, then certify the recall by uniform audits: valid for any strategy.

Stage j = 1, 2, … draws one audit of M images left at alpha_j = alpha / (j (j + 1)); these sum to alpha. With F defects
found, the recall target is missed iff at least K(F) = ⌊F / recall⌋ - F + 1 defects are left. With k defects in the
audit it is missed iff at least K(F + k) + k were among the M, and ``hypergeom.cdf(k; M, d, n)`` falls in d: so a stage
certifies a recall that is missed with a probability of at most alpha_j, and all stages together of at most alpha.
"""

from functools import lru_cache
from typing import ClassVar

from nearlabel.learning.stopping.history import Audit, History
from nearlabel.learning.stopping.rules.base import Decision, Rule
from nearlabel.learning.stopping.tails import exact_share, is_improbable, least_sample


def least_missed(found: int, recall: float | str) -> int:
    """Fewest defects left with which the recall target is missed: K(F) = ⌊F / recall⌋ - F + 1.

    Parameters
    ----------
    found : int
        Defects found.
    recall : float or str
        Target in (0, 1], taken as the decimal that it is written as.

    Returns
    -------
    int
        At least 1. With none found, recall has no meaning, and a single defect left is one missed.

    Raises
    ------
    ValueError
        The recall is out of its range; alpha of the functions below likewise.
    """
    return int(found / exact_share(recall, "recall")) - found + 1


@lru_cache(maxsize=4096)
def audit_size(left: int, found: int, recall: float | str, alpha: float | str, spare: int = 0) -> int | None:
    """Images of the audit that certifies the recall if it is clean, or holds no more defects than are spared.

    The least n with ``hypergeom.cdf(k; left, K(found + k) + k, n) <= alpha`` for every k up to `spare`, in exact
    arithmetic. Any size that is fixed before the draw keeps the guarantee; a larger one costs more and forgives more.

    Parameters
    ----------
    left, found : int
        Images left and defects found.
    recall, alpha : float or str
        Target, and the chance of certifying although it is missed.
    spare : int
        Defects that the audit may hold and still certify.

    Returns
    -------
    int or None
        At most `left`. 0: so few images are left that the target is certainly reached. None: no defect was found, so
        that no audit can say anything of recall.
    """
    if found == 0:
        return None
    level = exact_share(alpha, "alpha")
    sizes = (least_sample(left, least_missed(found + k, recall) + k, level, k) for k in range(spare + 1))
    return max(sizes)


def is_certified(audit: Audit, recall: float | str, alpha: float | str) -> bool:
    """Whether an audit certifies the recall: ``hypergeom.cdf(k; left, K(found + k) + k, n) <= alpha``.

    Parameters
    ----------
    audit : Audit
        Of a size that was fixed before it was drawn.
    recall, alpha : float or str
        As in `audit_size`.

    Returns
    -------
    bool
        False where still no defect was found.
    """
    found = audit.found + audit.defects
    if found == 0:
        return False
    missed = least_missed(found, recall) + audit.defects
    return is_improbable(audit.defects, audit.left, missed, audit.size, exact_share(alpha, "alpha"))


class Certify(Rule):
    """Quiet batches, then an audit; certified, or on with the strategy and a stricter audit later.

    Parameters
    ----------
    recall : float
        Share of all defects that is to be found.
    alpha : float
        Chance of stopping below it.
    quiet : int
        Batches without a defect, since the last audit, before one is drawn. It bears on the cost only, never on the
        guarantee.
    spare : int
        Defects that an audit may hold and still certify: it is the larger for it, and fails less often when a few
        defects are left, as they are when the recall is reached. On the cost only, likewise.
    """

    name: ClassVar[str] = "certify"
    guarantees: ClassVar[bool] = True
    assumes: ClassVar[str] = "Audits are drawn uniformly from all images left, and labelled whole and rightly."

    def __init__(self, recall: float = 0.95, alpha: float = 0.05, quiet: int = 2, spare: int = 0):
        self.recall, self.alpha, self.quiet, self.spare = recall, alpha, quiet, spare

    def level(self, stage: int):
        """Return alpha / (j (j + 1)) of stage j, exactly.

        Returns
        -------
        Fraction
        """
        return exact_share(self.alpha, "alpha") / (stage * (stage + 1))

    def _decide(self, history: History) -> Decision:
        stage = len(history.audits) + 1
        for number, audit in enumerate(history.audits, 1):
            # More labels never lower the recall, so an earlier certificate stays.
            if is_certified(audit, self.recall, self.level(number)):
                return Decision("stop", f"Audit {number} certifies the recall.", evidence={"stage": number})
        if history.found == 0:
            return Decision("go on", "No defect was found yet, so that recall has no meaning.")
        missed = least_missed(history.found, self.recall)
        size = audit_size(history.left, history.found, self.recall, self.level(stage), self.spare)
        evidence = {"least_missed": missed, "stage": stage, "alpha_stage": float(self.level(stage)), "audit_size": size}
        if size == 0:
            return Decision("stop", "Even if all images left were defective, the recall is reached.", 0, evidence)
        quiet = _quiet_rounds(history)
        evidence["quiet_rounds"] = quiet
        if isinstance(history.events[-1], Audit):
            return Decision("go on", "The audit did not certify the recall.", 0, evidence)
        if quiet < self.quiet:
            return Decision("go on", f"Fewer than {self.quiet} batches in a row held no defect.", 0, evidence)
        return Decision("audit", f"{quiet} batches held no defect: audit what is left.", size, evidence)


def _quiet_rounds(history: History) -> int:
    """Rounds without a defect at the end, after the last audit."""
    quiet = 0
    for event in reversed(history.events):
        if isinstance(event, Audit) or event.defects:
            break
        quiet += 1
    return quiet
