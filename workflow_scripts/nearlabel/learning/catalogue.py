"""The query strategies, names and parameters.

Standard library only: the configuration is checked against this table whenever the workflow is parsed. The classes are
registered in `nearlabel.learning.strategies`.
"""

from collections.abc import Mapping
from typing import Any

from nearlabel.parameters import Parameter

STRATEGY_PARAMETERS: dict[str, dict[str, Parameter]] = {
    "random": {},
    "uncertainty": {},
    "gradcam_avg": {
        # scikit-image's default.
        "window": Parameter(7, (), int, 3, odd=True),
    },
    "core_set": {},
    "badge": {},
    "typiclust": {
        "max_clusters": Parameter(500, (), int, 1),
        "neighbours": Parameter(20, (), int, 1),
        "small_cluster": Parameter(5, (), int, 0),
        "normalise": Parameter("l2", ("l2", "none")),
        "init": Parameter("random", ("random", "k-means++")),
    },
    "cluster_margin": {
        "candidates": Parameter(10, (), int, 1),
        "cluster_size": Parameter(10, (), int, 1),
    },
    "bald": {
        "passes": Parameter(100, (), int, 2),
        "dropout": Parameter(0.5, (), float, 0.01, 0.99),
    },
    "most_likely_defect": {},
    "novelty": {},
    "oracle": {},
}
"""Strategy → its parameters."""

# A strategy around another one takes any that is not of its own kind.
STRATEGY_PARAMETERS["balanced"] = {"strategy": Parameter("uncertainty", tuple(STRATEGY_PARAMETERS))}


def asks_for_maps(strategy: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a strategy, or the one that it is around, compares activation maps."""
    return "gradcam_avg" in (strategy, parameters.get("strategy"))


def asks_for_novelty(strategy: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a strategy, or the one that it is around, must be told how novel images are."""
    return "novelty" in (strategy, parameters.get("strategy"))


def known_parameters(strategy: str) -> dict[str, Parameter]:
    """Parameters of a strategy.

    Raises
    ------
    ValueError
        There is no such strategy.
    """
    if strategy not in STRATEGY_PARAMETERS:
        raise ValueError(f"unknown strategy '{strategy}'; choose from {', '.join(STRATEGY_PARAMETERS)}")
    return STRATEGY_PARAMETERS[strategy]
