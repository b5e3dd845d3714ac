"""The whole table of errors, kinds by dialects, against what was agreed; and against the types of the vendors' SDKs.

`FASTGW_GOLDEN=write` writes tests/golden/errors.json anew; the difference is then read by a person.
"""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols import sse
from fastgw.protocols.errors import table

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "errors.json"
EXCHANGE = "gw_0123456789"


def sample(kind: ErrorKind) -> GatewayError:
    limited = {ErrorKind.RATE_LIMITED, ErrorKind.UPSTREAM_RATE_LIMITED, ErrorKind.OVERLOADED}
    return GatewayError(
        kind,
        f"What is said of {kind.value}.",
        param="tools[0].name" if kind is ErrorKind.BAD_REQUEST else None,
        retry_after_s=3 if kind in limited else None,
        status=422 if kind is ErrorKind.UPSTREAM_REFUSED else None,
        code="context_length_exceeded" if kind is ErrorKind.UPSTREAM_REFUSED else None,
    )


def cell(dialect: str, error: GatewayError) -> dict[str, Any]:
    cell = {
        "status": error.status,
        "headers": {name.decode(): value.decode() for name, value in table.headers(dialect, error, EXCHANGE)},
        "body": msgspec.json.decode(table.render(dialect, error, EXCHANGE)),
        "frame": table.frame(dialect, error, EXCHANGE).decode(),
    }
    if dialect == "gemini":
        cell["array"] = table.frame(dialect, error, EXCHANGE, "array").decode()
    return cell


def test_every_kind_in_every_dialect_is_as_agreed() -> None:
    seen = {kind.value: {name: cell(name, sample(kind)) for name in table.NAMES} for kind in ErrorKind}
    if os.environ.get("FASTGW_GOLDEN") == "write":
        GOLDEN.write_bytes(msgspec.json.format(msgspec.json.encode(seen), indent=1) + b"\n")
    assert seen == msgspec.json.decode(GOLDEN.read_bytes())


@pytest.mark.parametrize("dialect", table.NAMES)
@pytest.mark.parametrize("kind", ErrorKind)
def test_a_frame_is_whole_events_that_hold_what_the_body_holds(kind: ErrorKind, dialect: str) -> None:
    error = GatewayError(kind, 'Line one.\nLine "two": \u2028 \x00 é.', param="a.b")
    body = msgspec.json.decode(table.render(dialect, error, EXCHANGE))
    frame = table.frame(dialect, error, EXCHANGE)
    assert frame.endswith(b"\n\n")
    events = sse.split_events(frame)
    said = msgspec.json.decode(sse.payload(events[0]))
    if dialect == "responses":
        assert (sse.named(events[0]), said["type"], said["sequence_number"]) == (b"error", "error", 0)
        assert {key: said[key] for key in ("code", "message", "param")} == {
            key: body["error"][key] for key in ("code", "message", "param")
        }
    else:
        assert said == body
    assert [sse.payload(event) for event in events[1:]] == ([b"[DONE]"] if dialect in {"chat", "completions"} else [])


def test_a_name_that_is_no_dialect_gets_openais_envelope() -> None:
    error = GatewayError(ErrorKind.NOT_FOUND, "no")
    assert table.render("health", error, EXCHANGE) == table.render("chat", error, EXCHANGE)
    assert table.frame("health", error, EXCHANGE) == table.frame("chat", error, EXCHANGE)
    assert table.headers("health", error, EXCHANGE) == ()


def test_an_answer_that_is_no_error_names_its_exchange_too() -> None:
    assert table.headers("messages", None, EXCHANGE) == ((b"request-id", EXCHANGE.encode()),)
