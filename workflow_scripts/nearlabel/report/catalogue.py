"""The report's figures and tables by name.

Standard library only: the rules name their outputs by it whenever the workflow is parsed, and collectors look for them.
"""

NODE_FIGURES = ("quality", "clusters", "near_labels", "convergence", "algorithms")
"""Kinds of figures that every clustered node has."""

MERGE_FIGURES = ("dendrogram",)
"""Kinds that a node has besides where an algorithm of its level cuts a tree of merges."""

MODEL_FIGURES = ("models", "decision_tree")
"""Kinds that every classification has."""

LEARNING_FIGURES = ("learning", "strategies")
"""Kinds that every learnt data set has."""

STOPPING_FIGURES = ("stopping",)
"""Kinds that every learnt data set has where stopping rules are compared."""

GROUPING_TABLES = ("grouping", "clusters", "enrichment")
"""Tables over all grouped data sets."""

COLUMN_TABLES = ("columns", "column_enrichment")
"""Tables over all grouped data sets that have extra columns."""

LEARNING_TABLES = (
    "table1",
    "table1_ap",
    "table2",
    "table3",
    "table3_ap",
    "knees",
    "statistics",
    "comparisons",
    "wins",
    "published",
)
"""Tables over all learnt data sets."""

STOPPING_TABLES = ("stopping",)
"""Tables over all learnt data sets where stopping rules are compared."""

PROGRESS_FIGURE, FINAL_FIGURE = "labelling", "final"
"""Of a data set that a person labels: how far that has come, and the network that it ends with."""
