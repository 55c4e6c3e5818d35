"""The stopping rules: a registry."""

from collections.abc import Mapping
from typing import Any

from nearlabel.learning.stopping.catalogue import known_parameters
from nearlabel.learning.stopping.rules.agreement import ClassificationChange, Kappa
from nearlabel.learning.stopping.rules.auc_plateau import AucPlateau
from nearlabel.learning.stopping.rules.base import Rule
from nearlabel.learning.stopping.rules.certify import Certify
from nearlabel.learning.stopping.rules.hypergeometric import Hypergeometric
from nearlabel.learning.stopping.rules.knees import DefectsLeftKnee, KneeHindsight, KneePrefix
from nearlabel.learning.stopping.rules.quant import Quant, QuantCI
from nearlabel.learning.stopping.rules.slopes import Budget, SlopeRatio
from nearlabel.parameters import complete_parameters

RULES: dict[str, type[Rule]] = {
    rule.name: rule
    for rule in (
        Certify,
        Hypergeometric,
        KneeHindsight,
        KneePrefix,
        SlopeRatio,
        Budget,
        Quant,
        QuantCI,
        Kappa,
        ClassificationChange,
        AucPlateau,
        DefectsLeftKnee,
    )
}
"""Name → class; a class takes the parameters that `nearlabel.learning.stopping.catalogue.RULE_PARAMETERS` lists."""


def build_rule(name: str, parameters: Mapping[str, Any] | None = None) -> Rule:
    """Make a stopping rule by its name.

    Parameters
    ----------
    name : str
        Key of `RULES`.
    parameters : mapping, optional
        As in `nearlabel.learning.stopping.catalogue.RULE_PARAMETERS`; defaults for those not named.

    Returns
    -------
    Rule

    Raises
    ------
    ValueError
        Unknown name or parameter, a value out of its range.
    """
    complete = complete_parameters(name, parameters or {}, known_parameters(name))
    return RULES[name](**complete)
