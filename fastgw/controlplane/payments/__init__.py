"""Top-ups through payment providers: one small interface, a module for each provider, and the desk that books them."""
