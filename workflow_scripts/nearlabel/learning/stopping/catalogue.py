"""The stopping rules, names and parameters.

Standard library only: the configuration is checked against this table whenever the workflow is parsed. The classes are
registered in `nearlabel.learning.stopping.rules`.
"""

from nearlabel.parameters import Parameter

RECALL = Parameter(0.95, (), float, 0.01, 1)
ALPHA = Parameter(0.05, (), float, 1e-6, 0.5)
SENSITIVITY = Parameter(1.0, (), float, 0)

RULE_PARAMETERS: dict[str, dict[str, Parameter]] = {
    "certify": {
        "recall": RECALL,
        "alpha": ALPHA,
        "quiet": Parameter(2, (), int, 1),
        "spare": Parameter(0, (), int, 0, 20),
    },
    "hypergeometric": {"recall": RECALL, "alpha": ALPHA},
    "knee_hindsight": {"sensitivity": SENSITIVITY},
    "knee_prefix": {"sensitivity": SENSITIVITY},
    "slope_ratio": {},
    "budget": {},
    "quant": {"recall": RECALL},
    # tarexp's authors took two standard deviations.
    "quant_ci": {"recall": RECALL, "z": Parameter(2.0, (), float, 0)},
    "kappa": {"window": Parameter(3, (), int, 1), "threshold": Parameter(0.99, (), float, 0, 1)},
    "classification_change": {"threshold": Parameter(0.0, (), float, 0, 1)},
    "auc_plateau": {"window": Parameter(5, (), int, 1)},
    "defects_left_knee": {"sensitivity": SENSITIVITY},
}
"""Rule → its parameters."""


def known_parameters(rule: str) -> dict[str, Parameter]:
    """Parameters of a stopping rule.

    Raises
    ------
    ValueError
        There is no such rule.
    """
    if rule not in RULE_PARAMETERS:
        raise ValueError(f"unknown stopping rule '{rule}'; choose from {', '.join(RULE_PARAMETERS)}")
    return RULE_PARAMETERS[rule]
