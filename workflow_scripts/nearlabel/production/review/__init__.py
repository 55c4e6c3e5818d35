"""The page on which operators see the latest images, confirm and correct."""
