"""Durable and shared state behind the ports that its consumers declare."""
