"""The labeller: a bundle at work on new images."""
