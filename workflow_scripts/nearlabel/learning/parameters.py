"""Parameters of the query strategies: names, defaults and what values make sense; standard library only."""

from collections.abc import Mapping
from typing import Any

from nearlabel.parameters import Parameter

WRAPPABLE = (
    "random",
    "uncertainty",
    "gradcam_avg",
    "core_set",
    "badge",
    "typiclust",
    "cluster_margin",
    "bald",
    "most_likely_defect",
    "oracle",
)
"""Strategies that ``balanced`` can spread over the predicted classes: all others."""

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
    "oracle": {},
    "balanced": {
        "strategy": Parameter("uncertainty", WRAPPABLE),
    },
}


def check_parameters(strategy: str, values: Mapping[str, Any]) -> None:
    """Refuse values that a strategy's parameters cannot take.

    Parameters
    ----------
    strategy : str
        Key of `STRATEGY_PARAMETERS`.
    values : mapping
        Parameter → value.

    Raises
    ------
    ValueError
        Unknown strategy or parameter, a value of another type or out of its range; names it and says what is allowed.
    """
    if strategy not in STRATEGY_PARAMETERS:
        raise ValueError(f"unknown strategy '{strategy}'; choose from {', '.join(STRATEGY_PARAMETERS)}")
    allowed = STRATEGY_PARAMETERS[strategy]
    for name, value in values.items():
        if name not in allowed:
            known = f"it has {', '.join(allowed)}" if allowed else "it has none"
            raise ValueError(f"strategy '{strategy}' has no parameter '{name}'; {known}")
        if problem := allowed[name].problem(value):
            raise ValueError(f"{name} of strategy '{strategy}' is {value!r}; it {problem}")
