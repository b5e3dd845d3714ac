"""What operators do: keys, usage, and (later) accounts, prices, dashboard."""
