"""Labels that a person gives: the next batch, the page, what is known of the rest, when it may end."""
