"""Report: tables, figures, and the page."""
