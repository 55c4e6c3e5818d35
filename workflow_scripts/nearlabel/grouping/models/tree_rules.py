"""What a decision tree has learnt, for people: its rules as text, and as a table of nodes to draw."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nearlabel.grouping.models.pipelines import name_components

DEPTH = 5
"""Questions from the root that `describe_tree` follows; what is deeper is counted."""


def write_rules(pipeline, method: str) -> str:
    """Write a decision tree's rules as text.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted, its last step a decision tree; from `nearlabel.grouping.models.pipelines.fit_model`.
    method : str
        Of the reduction.

    Returns
    -------
    str
        As scikit-learn's ``export_text`` writes them, whole; a class whose name cannot be printed is quoted.
    """
    from sklearn.tree import export_text

    tree = pipeline["model"]
    return export_text(
        tree,
        feature_names=name_components(pipeline, method),
        class_names=[name if name.isprintable() else repr(name) for name in map(str, tree.classes_)],
        max_depth=max(tree.get_depth(), 1),
        decimals=3,
    )


def describe_tree(pipeline, method: str, features: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """Describe a decision tree by nested nodes.

    Parameters
    ----------
    pipeline, method
        As for `write_rules`.
    features : ndarray, shape (n, d)
        The encoder's features of the images that the tree has learnt.
    labels : sequence of str, length n
        Their classes.

    Returns
    -------
    dict
        The root. A node has ``label`` (the class that the tree says there), ``images`` (that reach it), ``right`` (of
        those, how many are of that class) and, unless it is a leaf, ``feature`` and ``threshold`` (the question is
        whether the feature is at most the threshold) and the nodes ``yes`` and ``no``; below `DEPTH` questions instead
        ``leaves``, how many follow.
    """
    model = pipeline["model"]
    tree, classes = model.tree_, [str(name) for name in model.classes_]
    names, labels = name_components(pipeline, method), np.asarray(labels, dtype=str)
    # The tree itself keeps weighted counts only.
    reached = model.decision_path(pipeline[:-1].transform(features)).tocsc()

    def leaves(node: int) -> int:
        left, right = tree.children_left[node], tree.children_right[node]
        return 1 if left == -1 else leaves(left) + leaves(right)

    def describe(node: int, depth: int) -> dict[str, Any]:
        label = classes[int(np.argmax(tree.value[node][0]))]
        members = labels[reached.indices[reached.indptr[node] : reached.indptr[node + 1]]]
        described = {"label": label, "images": len(members), "right": int((members == label).sum())}
        if tree.children_left[node] == -1:
            return described
        if depth == DEPTH:
            return described | {"leaves": leaves(node)}
        return described | {
            "feature": names[tree.feature[node]],
            "threshold": float(tree.threshold[node]),
            "yes": describe(tree.children_left[node], depth + 1),
            "no": describe(tree.children_right[node], depth + 1),
        }

    return describe(0, 0)


def introduce_rules(rules: str, summary: Mapping[str, Any], what: str) -> str:
    """Put a head over the rules of a classification: what they tell, how well, and how to read them.

    Parameters
    ----------
    rules : str
        Of every decision tree; may be empty.
    summary : mapping
        Content of ``summary.json``.
    what : str
        Target, node and data set in words: ``near-labels of node root of steel``.

    Returns
    -------
    str
    """
    if not rules:
        return f"No decision tree is among the models for the {what}, so that there are no rules to show.\n"
    accuracies = ", ".join(
        f"{model['id']} {model['balanced_accuracy']:.3f}"
        for model in summary["models"]
        if model["name"] == "decision_tree"
    )
    return (
        f"Rules of decision trees for the {what}, learnt from {summary['images']} images.\n"
        f"Balanced accuracy in {summary['folds']}-fold cross-validation: {accuracies}.\n"
        f"What a rule compares is computed from the features of {summary['encoder']}; 0 is the mean of these images\n"
        f"and 1 their standard deviation.\n\n{rules}"
    )
