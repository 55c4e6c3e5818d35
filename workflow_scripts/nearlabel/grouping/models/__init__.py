"""Models on top of the clusters."""
