"""The review page: what a browser is sent, and who may ask for it."""
