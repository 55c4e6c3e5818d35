"""Weights of networks: what a config's words mean, where the file is, whether it is whole, and what is in it."""
