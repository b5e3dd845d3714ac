"""Stage 3: rate limits, concurrency and (later) the hold, in one call of the store."""
