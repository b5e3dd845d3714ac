"""What a caller is told whose money does not suffice: in its own dialect, once, and not to try again."""

from tests.money_path.till import Told

GOOGLE = {"insufficient_quota": "RESOURCE_EXHAUSTED", "gate_unavailable": "UNAVAILABLE"}


def assert_cannot_pay(told: Told, caller: str, status: int = 402) -> None:
    """402 `insufficient_quota` in the caller's dialect; never anything that an SDK would try again."""
    assert told.status == status, told.body
    assert told.headers["x-should-retry"] == "false"
    assert "retry-after" not in told.headers
    assert_refused(told, caller, "insufficient_quota")


def assert_refused(told: Told, caller: str, code: str) -> str:
    """An error envelope of the caller's dialect that names this code; the result is its message."""
    body = told.json
    error = body["error"]
    assert isinstance(error["message"], str)
    assert error["message"]
    match caller:
        case "messages":
            assert body["type"] == "error"
            assert isinstance(error["type"], str)
            assert code in told.body.decode(), told.body
        case "gemini":
            assert error["code"] == told.status
            # Google has names of its own, and no place for another.
            assert error["status"] == GOOGLE.get(code, error["status"])
            assert error["status"].isupper()
        case _:
            assert error["code"] == code, told.body
    message: str = error["message"]
    return message
