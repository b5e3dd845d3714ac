"""Every test of this room that takes `url` or `engine` runs on both databases."""

from tests.storage.sql.databases import engine, postgres, url

__all__ = ["engine", "postgres", "url"]
