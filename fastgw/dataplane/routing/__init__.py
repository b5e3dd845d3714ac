"""Stage 4: from a model name to ordered candidates. Pure: no I/O, no clock."""
