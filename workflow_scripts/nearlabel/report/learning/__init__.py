"""What the report shows of the learning half."""
