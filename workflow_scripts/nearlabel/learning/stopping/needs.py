"""What a simulation must keep for stopping rules that look at more than labels.

Standard library only: the plan of a run asks whenever the workflow is parsed. The rules' classes say the same of
themselves, and a test holds the two equal.
"""

PROBABILITIES = frozenset({"quant", "quant_ci", "kappa", "classification_change", "defects_left_knee"})
"""Rules that look at the probability of "defective" of every image."""

VALIDATION = frozenset({"auc_plateau"})
"""Rules that look at the AUC on a validation set, which must be drawn uniformly."""


def asks_for_probabilities(rule: str) -> bool:
    """Whether a rule looks at the probability of "defective" of every image after each round."""
    return rule in PROBABILITIES


def asks_for_validation(rule: str) -> bool:
    """Whether a rule looks at a validation set."""
    return rule in VALIDATION
