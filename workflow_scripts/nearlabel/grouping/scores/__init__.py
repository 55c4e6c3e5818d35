"""What clusterings are worth: with near-labels, without them, and by chance."""
