"""In-process stand-ins of the stores, for tests."""
