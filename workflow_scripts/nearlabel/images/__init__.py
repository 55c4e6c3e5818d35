"""Images: data sets, reading, geometry, checks."""
