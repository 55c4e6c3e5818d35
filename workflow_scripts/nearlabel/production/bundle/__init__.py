"""Bundles: one folder with all that labels new images, numbered; old ones stay."""
