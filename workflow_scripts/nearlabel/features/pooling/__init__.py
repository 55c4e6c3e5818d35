"""Pooling: how the patches of an image become its features."""
