"""Which API key a request carries, from its raw headers and query string. Pure; nothing here is ever logged."""

from urllib.parse import unquote_plus

from fastgw.apikey import KEY_LENGTH_MAX
from fastgw.errors import ErrorKind, GatewayError

Headers = list[tuple[bytes, bytes]]

CARRIERS = frozenset((b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"))
"""The official SDKs' headers: OpenAI's, Anthropic's, Azure's, Gemini's."""
QUERY_NAMES = frozenset(("key", "api_key", "api-key", "apikey", "access_token", "x-api-key", "token"))
"""Parameters in which some clients put a key. Query strings end in logs, so such a key is refused and not looked at."""

_REMEDY = "Pass your API key as 'Authorization: Bearer KEY' (or x-api-key, api-key, x-goog-api-key)."


def carried(headers: Headers) -> bytes | tuple[bytes, ...]:
    """The raw values of all carriers: the value itself if there is one, a tuple otherwise (empty: none)."""
    values = [value for name, value in headers if name in CARRIERS]
    return values[0] if len(values) == 1 else tuple(values)


def key_of(values: bytes | tuple[bytes, ...]) -> str:
    """The one key in what `carried` found. Raises `GatewayError` (401) if there is none, or there are different ones.

    `Bearer` in any case, a bare value and surrounding blanks are all understood (RFC 9110 section 11.4, RFC 6750 2.1).
    """
    keys = {_bare(value) for value in ((values,) if isinstance(values, bytes) else values)}
    keys.discard(b"")
    if not keys:
        raise GatewayError(ErrorKind.INVALID_API_KEY, f"You did not provide an API key. {_REMEDY}")
    if len(keys) > 1:
        raise GatewayError(
            ErrorKind.INVALID_API_KEY,
            "The request carries several different API keys. Send the key in one header only.",
        )
    key = keys.pop()
    if len(key) > KEY_LENGTH_MAX or not key.isascii():
        raise wrong_key()
    return key.decode("ascii")


def refuse_key_in_query(query_string: bytes) -> None:
    """Raise `GatewayError` (400) if the query string holds a key."""
    if b"=" not in query_string:
        return
    for pair in query_string.split(b"&"):
        name = unquote_plus(pair.partition(b"=")[0].decode("latin-1")).strip().lower()
        if name in QUERY_NAMES:
            raise GatewayError(
                ErrorKind.KEY_IN_QUERY,
                f"The query parameter '{name}' may not carry a key: URLs end up in logs. Revoke that key. {_REMEDY}",
                param=name,
            )


def wrong_key() -> GatewayError:
    """The one answer to every kind of wrong key, so that it tells a guesser nothing."""
    return GatewayError(ErrorKind.INVALID_API_KEY, f"Incorrect API key provided. {_REMEDY}", should_retry=False)


def _bare(value: bytes) -> bytes:
    value = value.strip()
    scheme, blank, rest = value.partition(b" ")
    if blank and scheme.lower() == b"bearer":
        return rest.strip()
    return b"" if not blank and scheme.lower() == b"bearer" else value
