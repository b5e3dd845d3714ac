"""The truth: keys, usage and what is still open, in SQLite or PostgreSQL."""
