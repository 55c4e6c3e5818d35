"""Stopping rules compared, as the report shows them."""
