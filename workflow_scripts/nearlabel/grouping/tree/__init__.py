"""The tree of groups: nodes, levels, lineages, names."""
