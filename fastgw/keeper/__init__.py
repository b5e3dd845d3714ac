"""Background work in one process: drain journals, refresh model lists, sweep."""
