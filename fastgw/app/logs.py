"""Where log lines go: standard error, one format for all processes of the gateway."""

import logging
import sys

OUTAGES = frozenset(
    {
        "redis.exceptions.ConnectionError",
        "redis.exceptions.TimeoutError",
        "redis.exceptions.ReadOnlyError",
        "sqlalchemy.exc.OperationalError",
        "sqlalchemy.exc.InterfaceError",
        "sqlalchemy.exc.TimeoutError",
    }
)
"""Errors of stores that cannot be reached. By name, so that a process that needs neither library loads neither."""


class Lines(logging.Formatter):
    """Tells an outage in the line itself: where in our code it was met says nothing about it.

    A traceback follows for everything else, and for outages from `debug` on.
    """

    def __init__(self, process: str, *, debug: bool) -> None:
        super().__init__(f"%(asctime)s %(levelname)s {process} %(name)s: %(message)s")
        self._debug = debug

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or self._debug or not outage(error):
            return super().format(record)
        short = logging.makeLogRecord(record.__dict__)
        # What another formatter has made of the traceback is in `exc_text`.
        short.exc_info = short.exc_text = None
        return f"{super().format(short)}: {_told(error)}"


def outage(error: BaseException) -> bool:
    """Whether a store or the disk cannot be used at the moment, as opposed to a defect."""
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return isinstance(error, OSError) or not OUTAGES.isdisjoint(kinds)


def configure(level: str, process: str) -> None:
    """Send the log of this process to standard error, each line with the name of the process.

    Libraries speak from `warning` on only: what they say below that describes themselves, not the gateway.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(process, debug=level.upper() == "DEBUG"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("fastgw").setLevel(level.upper())


def _told(error: BaseException) -> str:
    # SQLAlchemy's texts go on with the statement, its parameters and a link.
    first = next(iter(str(error).splitlines()), "")
    return f"{first} ({type(error).__name__})" if first else type(error).__name__
