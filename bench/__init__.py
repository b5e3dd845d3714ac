"""The gateway measured beside a direct call, nginx and a peer, in one run on one machine."""
