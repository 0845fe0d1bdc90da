"""Command handlers, one family a file."""
