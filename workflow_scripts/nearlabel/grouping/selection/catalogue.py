"""The criteria that choose a node's clustering, by name.

Standard library only: the configuration is checked against this table whenever the workflow is parsed. What each one
optimises is in `nearlabel.grouping.selection.criteria`.
"""

STRUCTURAL = ("consensus", "agreement", "stability")
"""Criteria that ask for structure beyond that of structureless data."""

LABEL_FREE = (*STRUCTURAL, "min_max", "silhouette")
"""Criteria that need no near-labels."""

LABEL_BASED = ("convergence_difference", "ami")
"""Criteria that look at near-labels."""
