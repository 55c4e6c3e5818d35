"""Reduction of features, node by node."""
