"""Media that callers name by URL, fetched for providers that cannot do it themselves, without reaching inside."""

from fastgw.dataplane.upstream.fetch.fetcher import FetchBounds, Fetcher

__all__ = ["FetchBounds", "Fetcher"]
