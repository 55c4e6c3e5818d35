"""What the report shows of labels that a person gives."""
