"""Active learning played through on images whose labels are known."""
