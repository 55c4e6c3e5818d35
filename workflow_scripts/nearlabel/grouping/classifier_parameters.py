"""Parameters of the post-clustering models: names, defaults and what values make sense; standard library only."""

from nearlabel.parameters import Parameter

# Of the reduced features: each to a variance of 1; as they are; or `each` unless the features were standardised before
# the reduction, whose result then tells which components matter. Trees do not see the difference.
_SCALING = Parameter("auto", ("auto", "each", "none"))

CLASSIFIER_PARAMETERS: dict[str, dict[str, Parameter]] = {
    "svm": {
        "C": Parameter(1.0, (), float, 1e-6),
        "kernel": Parameter("rbf", ("rbf", "linear")),
        "gamma": Parameter("scale", ("scale", "auto"), float, 1e-9),
        "class_weight": Parameter("balanced", ("balanced", "none")),
        "scaling": _SCALING,
    },
    "decision_tree": {
        # Deeper trees tell more and are read by nobody.
        "max_depth": Parameter(4, ("unlimited",), int, 1),
        "min_samples_leaf": Parameter(2, (), int, 1),
        "criterion": Parameter("gini", ("gini", "entropy")),
        "class_weight": Parameter("balanced", ("balanced", "none")),
    },
    "mlp": {
        "hidden_layer_sizes": Parameter(64, (), int, 1),
        "alpha": Parameter(1e-4, (), float, 0),
        "learning_rate_init": Parameter(1e-3, (), float, 1e-9),
        "max_iter": Parameter(2000, (), int, 1),
        "scaling": _SCALING,
    },
    "isolation_forest": {
        "n_estimators": Parameter(100, (), int, 1),
        "max_samples": Parameter("auto", ("auto",), int, 1),
        "contamination": Parameter("auto", ("auto",), float, 1e-6, 0.5),
    },
    "nearest_centre": {
        "quantile": Parameter(0.95, (), float, 0, 1),
        "scaling": _SCALING,
    },
}
"""Model → its parameters, under scikit-learn's names where the model is scikit-learn's."""
