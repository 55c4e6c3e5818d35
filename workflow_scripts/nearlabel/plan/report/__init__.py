"""What the report shows of a run as planned: its tables and figures, the explorer, what a change would rerun."""
