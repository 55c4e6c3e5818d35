"""The choice of a node's clustering, and what it leaves on disk."""
