"""The truth: tables, migrations and queries for SQLite and PostgreSQL."""
