"""Parameters of the query strategies: names, defaults, what values make sense.

Standard library only, so that a configuration can be checked against the table whenever the workflow is parsed.
"""

from collections.abc import Mapping
from typing import Any

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

STRATEGY_PARAMETERS: dict[str, dict[str, dict[str, Any]]] = {
    "random": {},
    "uncertainty": {},
    "gradcam_avg": {
        # Odd; scikit-image's default.
        "window": {"default": 7, "number": int, "least": 3},
    },
    "core_set": {},
    "badge": {},
    "typiclust": {
        "max_clusters": {"default": 500, "number": int, "least": 1},
        "neighbours": {"default": 20, "number": int, "least": 1},
        "small_cluster": {"default": 5, "number": int, "least": 0},
        "normalise": {"default": "l2", "words": ("l2", "none")},
        "init": {"default": "random", "words": ("random", "k-means++")},
    },
    "cluster_margin": {
        "candidates": {"default": 10, "number": int, "least": 1},
        "cluster_size": {"default": 10, "number": int, "least": 1},
    },
    "bald": {
        "passes": {"default": 100, "number": int, "least": 2},
        "dropout": {"default": 0.5, "number": float, "least": 0.01, "most": 0.99},
    },
    "most_likely_defect": {},
    "oracle": {},
    "balanced": {
        "strategy": {"default": "uncertainty", "words": WRAPPABLE},
    },
}
"""Strategy → parameter → ``default``; ``words``, the texts allowed; ``number``, ``int`` or ``float`` where numbers are
allowed (a whole number serves as float too), from ``least`` to ``most``."""


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
        wanted = allowed[name]
        if "words" in wanted:
            if not isinstance(value, str) or value not in wanted["words"]:
                words = ", ".join(wanted["words"])
                raise ValueError(f"{name} of strategy '{strategy}' is {value!r}; it must be one of {words}")
            continue
        kinds = (int, float) if wanted["number"] is float else (int,)
        most = wanted.get("most", float("inf"))
        if not isinstance(value, kinds) or isinstance(value, bool) or not wanted["least"] <= value <= most:
            kind = "a whole number" if wanted["number"] is int else "a number"
            end = f" to {most}" if "most" in wanted else ""
            raise ValueError(
                f"{name} of strategy '{strategy}' is {value!r}; it must be {kind} from {wanted['least']}{end}"
            )
