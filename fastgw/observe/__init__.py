"""Metric names, log redaction."""
