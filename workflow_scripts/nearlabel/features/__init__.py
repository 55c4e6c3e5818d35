"""Features: encoders, weights, the feature cache and store."""
