"""Active learning: strategies, maps, training rounds, cut-offs, statistics."""
