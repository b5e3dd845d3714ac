"""Vendors as data: base URL, credential style, capability flags."""
