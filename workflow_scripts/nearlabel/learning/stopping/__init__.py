"""When labelling could stop."""
