"""The default transport to providers: asyncio protocols on the event loop, pooled per origin."""
