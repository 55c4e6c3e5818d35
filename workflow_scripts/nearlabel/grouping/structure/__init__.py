"""Whether images fall into groups at all, and how many, asked without any label."""
