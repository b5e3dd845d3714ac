"""The request path: one folder per stage, wired only by `pipeline`."""
