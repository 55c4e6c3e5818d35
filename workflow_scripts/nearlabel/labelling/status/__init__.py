"""Where labelling stands, and what to do next."""
