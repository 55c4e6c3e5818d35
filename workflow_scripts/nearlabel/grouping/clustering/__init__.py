"""Clustering algorithms, swept over numbers of clusters."""
