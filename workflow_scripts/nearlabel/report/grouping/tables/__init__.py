"""Tables over all nodes: clusterings, clusters, further columns, models."""
