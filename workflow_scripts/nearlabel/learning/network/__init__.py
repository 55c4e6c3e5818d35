"""The network that learns: building, training, evaluating, explaining it."""
