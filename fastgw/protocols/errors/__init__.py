"""Errors on the wire: how each dialect says what went wrong, and what providers say of theirs."""
