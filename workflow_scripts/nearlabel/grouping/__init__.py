"""Grouping: reduction, clustering sweeps, scores, selection."""
