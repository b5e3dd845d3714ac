"""Lines of the log: an outage is told in one, a defect with its traceback."""

import logging
import sys

import pytest
from redis.exceptions import BusyLoadingError, ConnectionError, ResponseError
from sqlalchemy.exc import IntegrityError, OperationalError

from fastgw.app.logs import Lines

OUTAGES = [
    ConnectionError("Error 111 connecting to unix:/x. Connection refused."),
    BusyLoadingError("loading"),
    OperationalError("SELECT 1", {}, Exception("server closed the connection")),
    OSError(28, "No space left on device"),
    TimeoutError(),
]
DEFECTS = [ResponseError("ERR in a script"), IntegrityError("INSERT", {}, Exception("twice")), KeyError("x")]


def line(error: Exception, *, debug: bool = False) -> str:
    try:
        raise error
    except Exception:
        record = logging.LogRecord("fastgw.keeper", logging.ERROR, "f", 1, "%s failed", ("keys",), sys.exc_info())
    return Lines("keeper", debug=debug).format(record)


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
def test_an_outage_is_one_line(error: Exception) -> None:
    text = line(error)
    assert "\n" not in text
    assert " ERROR keeper fastgw.keeper: keys failed: " in text
    assert type(error).__name__ in text and str(error).partition("\n")[0] in text
    assert "Traceback" in line(error, debug=True)


@pytest.mark.parametrize("error", DEFECTS, ids=lambda error: type(error).__name__)
def test_a_defect_has_its_traceback(error: Exception) -> None:
    assert "Traceback" in line(error)


def test_a_record_is_told_whole_by_others_afterwards() -> None:
    try:
        raise OSError(28, "full")
    except OSError:
        record = logging.LogRecord("fastgw", logging.ERROR, "f", 1, "no", (), sys.exc_info())
    assert "Traceback" in logging.Formatter().format(record)
    assert "Traceback" not in Lines("keeper", debug=False).format(record)
    assert "Traceback" in logging.Formatter().format(record)
