"""Where log lines go: standard error, one format for all processes of the gateway."""

import logging
import sys


def configure(level: str, process: str) -> None:
    """Send the log of this process to standard error, each line with the name of the process.

    Libraries speak from `warning` on only: what they say below that describes themselves, not the gateway.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("fastgw").setLevel(level.upper())
