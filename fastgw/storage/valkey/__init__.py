"""Shared counters and key records in Valkey or Redis."""
