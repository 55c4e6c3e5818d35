"""What the report shows of the grouping half."""
