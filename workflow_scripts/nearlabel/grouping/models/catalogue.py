"""The models on top of the clusters: what kind each is, and its parameters.

Standard library only: the configuration is checked against this table whenever the workflow is parsed. The estimators
are made in `nearlabel.grouping.models.pipelines`.
"""

from dataclasses import dataclass

from nearlabel.parameters import Parameter

CLASSIFIER, DETECTOR = "classifier", "detector"


@dataclass(frozen=True)
class Model:
    """What is known of a model without training it.

    Attributes
    ----------
    kind : str
        ``classifier``, or ``detector``, which learns the normal images only.
    parameters : dict of str to Parameter
        Under scikit-learn's names where the model is scikit-learn's.
    """

    kind: str
    parameters: dict[str, Parameter]


# Of the reduced features: each to a variance of 1; as they are; or `each` unless the features were standardised before
# the reduction, whose result then tells which components matter. Trees do not see the difference.
_SCALING = Parameter("auto", ("auto", "each", "none"))

CATALOGUE: dict[str, Model] = {
    "svm": Model(
        CLASSIFIER,
        {
            "C": Parameter(1.0, (), float, 1e-6),
            "kernel": Parameter("rbf", ("rbf", "linear")),
            "gamma": Parameter("scale", ("scale", "auto"), float, 1e-9),
            "class_weight": Parameter("balanced", ("balanced", "none")),
            "scaling": _SCALING,
        },
    ),
    "decision_tree": Model(
        CLASSIFIER,
        {
            # Deeper trees tell more and are read by nobody.
            "max_depth": Parameter(4, ("unlimited",), int, 1),
            "min_samples_leaf": Parameter(2, (), int, 1),
            "criterion": Parameter("gini", ("gini", "entropy")),
            "class_weight": Parameter("balanced", ("balanced", "none")),
        },
    ),
    "mlp": Model(
        CLASSIFIER,
        {
            "hidden_layer_sizes": Parameter(64, (), int, 1),
            "alpha": Parameter(1e-4, (), float, 0),
            "learning_rate_init": Parameter(1e-3, (), float, 1e-9),
            "max_iter": Parameter(2000, (), int, 1),
            "scaling": _SCALING,
        },
    ),
    "isolation_forest": Model(
        DETECTOR,
        {
            "n_estimators": Parameter(100, (), int, 1),
            "max_samples": Parameter("auto", ("auto",), int, 1),
            "contamination": Parameter("auto", ("auto",), float, 1e-6, 0.5),
        },
    ),
    "nearest_centre": Model(
        DETECTOR,
        {
            "quantile": Parameter(0.95, (), float, 0, 1),
            "scaling": _SCALING,
        },
    ),
}
"""Model by name, in the order in which they are shown."""
