"""How encoding is shared out: over processes, over jobs, between a machine and its card."""
