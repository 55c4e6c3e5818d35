"""The watcher: files that arrive in an inbox are labelled, for months."""
