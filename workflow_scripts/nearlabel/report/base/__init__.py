"""What figures, tables and the page share."""
