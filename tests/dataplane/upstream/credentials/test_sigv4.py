"""Signatures of AWS against the known answers of its documentation and of its public test suite."""

import msgspec
import pytest

from fastgw.dataplane.upstream.credentials.sigv4 import HASHED_INLINE_BYTES_MAX, SigV4
from fastgw.dataplane.upstream.transport import Request

ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOON_MS = 1_440_938_160_000
"""2015-08-30T12:36:00Z, the instant of all vectors."""
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthA"
    "x7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY"
    "9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="
)


def signer(token: str = "", service: str = "service") -> SigV4:
    return SigV4(ID, SECRET, token, region="us-east-1", service=service, now_ms=lambda: NOON_MS)


def request(
    method: bytes = b"GET", target: bytes = b"/", headers: tuple[tuple[bytes, bytes], ...] = (), body: bytes = b"",
    origin: str = "https://example.amazonaws.com",
) -> Request:  # fmt: skip
    return Request(method, origin, target, headers, body)


def header(signed: Request, name: bytes) -> str:
    (value,) = [value for key, value in signed.headers if key == name]
    return value.decode("ascii")


FORM = ((b"content-type", b"application/x-www-form-urlencoded"),)


@pytest.mark.parametrize(
    ("name", "asked", "names", "signature"),
    [
        (
            "get-vanilla",
            request(),
            "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "post-vanilla",
            request(b"POST"),
            "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "get-vanilla-query-order-key-case",
            request(target=b"/?Param2=value2&Param1=value1"),
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "post-x-www-form-urlencoded",
            request(b"POST", headers=FORM, body=b"Param1=value1"),
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)
async def test_vectors_of_the_public_suite(name: str, asked: Request, names: str, signature: str) -> None:
    signed = await signer().sign(asked)
    assert header(signed, b"x-amz-date") == "20150830T123600Z"
    scope = f"{ID}/20150830/us-east-1/service/aws4_request"
    expected = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"
    assert header(signed, b"authorization") == expected


async def test_the_example_of_the_documentation() -> None:
    form = ((b"content-type", b"application/x-www-form-urlencoded; charset=utf-8"),)
    asked = request(target=b"/?Action=ListUsers&Version=2010-05-08", headers=form, origin="https://iam.amazonaws.com")
    signed = await signer(service="iam").sign(asked)
    wanted = "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    assert header(signed, b"authorization").endswith(wanted)


async def test_a_session_token_is_sent_and_signed() -> None:
    signed = await signer(TOKEN).sign(request(b"POST"))
    assert header(signed, b"x-amz-security-token") == TOKEN
    authorization = header(signed, b"authorization")
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in authorization
    assert authorization.endswith("Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")


async def test_a_path_is_encoded_once_more() -> None:
    """What stands encoded in the request line is signed encoded again, so that the two must differ."""
    once = await signer().sign(request(target=b"/model/a%3Ab/converse"))
    plain = await signer().sign(request(target=b"/model/a:b/converse"))
    assert header(once, b"authorization") != header(plain, b"authorization")


async def test_everything_else_of_a_request_stays_as_it_is() -> None:
    asked = msgspec.structs.replace(
        request(b"POST", headers=((b"accept", b"*/*"), (b"authorization", b"old")), body=b"{}"),
        http_version="2", streaming=True, resend=False, tls="t", proxy="http://p:1",
        timeout_connect_ms=1, timeout_first_byte_ms=2, timeout_idle_ms=3,
    )  # fmt: skip
    signed = await signer().sign(asked)
    assert [name for name, _ in signed.headers] == [b"accept", b"x-amz-date", b"authorization"]
    assert msgspec.structs.replace(signed, headers=asked.headers) == asked


async def test_the_body_and_the_day_change_the_signature() -> None:
    big = b"x" * (HASHED_INLINE_BYTES_MAX + 1)
    signatures = {
        header(await signer().sign(request(b"POST", body=body)), b"authorization") for body in (b"a", b"b", big)
    }
    day_ms = [NOON_MS]
    moving = SigV4(ID, SECRET, region="us-east-1", service="service", now_ms=lambda: day_ms[0])
    for _ in range(2):
        signatures.add(header(await moving.sign(request(b"POST", body=b"a")), b"authorization"))
        day_ms[0] += 86_400_000
    assert len(signatures) == 4


def test_a_repr_shows_no_secret() -> None:
    assert SECRET not in repr(signer(TOKEN))
    assert TOKEN not in repr(signer(TOKEN))
