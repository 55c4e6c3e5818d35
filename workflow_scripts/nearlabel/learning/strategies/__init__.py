"""The query strategies: a registry."""

from collections.abc import Mapping
from typing import Any

from nearlabel.learning.catalogue import known_parameters
from nearlabel.learning.strategies.badge import Badge
from nearlabel.learning.strategies.balanced import Balanced
from nearlabel.learning.strategies.bald import Bald
from nearlabel.learning.strategies.base import Strategy
from nearlabel.learning.strategies.baselines import Oracle, Random
from nearlabel.learning.strategies.cluster_margin import ClusterMargin
from nearlabel.learning.strategies.core_set import CoreSet
from nearlabel.learning.strategies.gradcam_avg import GradCamAverage
from nearlabel.learning.strategies.novelty import Novelty
from nearlabel.learning.strategies.typiclust import TypiClust
from nearlabel.learning.strategies.uncertainty import MostLikelyDefect, Uncertainty
from nearlabel.parameters import complete_parameters

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy
    for strategy in (
        Random,
        Uncertainty,
        GradCamAverage,
        CoreSet,
        Badge,
        TypiClust,
        ClusterMargin,
        Bald,
        MostLikelyDefect,
        Novelty,
        Oracle,
        Balanced,
    )
}
"""Name → class; a class takes the parameters that `nearlabel.learning.catalogue.STRATEGY_PARAMETERS` lists."""


def build_strategy(name: str, parameters: Mapping[str, Any] | None = None) -> Strategy:
    """Make a strategy by its name.

    Parameters
    ----------
    name : str
        Key of `STRATEGIES`.
    parameters : mapping, optional
        As in `nearlabel.learning.catalogue.STRATEGY_PARAMETERS`; defaults for those not named.

    Returns
    -------
    Strategy

    Raises
    ------
    ValueError
        Unknown name or parameter, a value out of its range.
    """
    complete = complete_parameters(name, parameters or {}, known_parameters(name))
    if name == Balanced.name:
        complete["strategy"] = build_strategy(complete["strategy"])
    return STRATEGIES[name](**complete)
