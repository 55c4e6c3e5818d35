"""The explorer: a page with a map of a data set's images to look at, select and label."""
