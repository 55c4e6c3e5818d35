"""What annotators have answered."""
