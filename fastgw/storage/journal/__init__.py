"""The append-only record of exchanges, on the local disk of each worker."""
