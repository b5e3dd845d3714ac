"""Vendors as data: base URL, credential style, dialects spoken, quirks. One short file each; no I/O."""

from fastgw.providers.registry import VENDORS
from fastgw.providers.vendor import Vendor

__all__ = ["VENDORS", "Vendor"]
