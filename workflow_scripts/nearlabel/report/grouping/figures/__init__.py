"""Figures of the grouping half."""
