"""The page to label on: one HTML file that is opened from disk."""
