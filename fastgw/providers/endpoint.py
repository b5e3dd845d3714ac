"""Where a vendor is asked in one dialect. A model's name is data there: it never leads to another URL."""

import re
import urllib.parse
from typing import Literal

import msgspec

CredentialStyle = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key", "none"]

_SEGMENTS = re.compile(r"[/\\]")


class Endpoint(msgspec.Struct, frozen=True):
    """The paths of one dialect. `{model}` in a path is replaced by the model's name, `{api_version}` by the setting."""

    path: str
    """Below the base URL."""
    path_stream: str = ""
    """For streams; empty: the same."""
    count: str = ""
    """Where tokens are counted; empty: nowhere."""
    headers: dict[str, str] = {}
    """Sent besides the vendor's; names in lower case."""
    instead_of: str = ""
    """The end of the base path that these paths take the place of (DeepSeek's `/v1` for `/anthropic/v1/messages`)."""
    credential: CredentialStyle | None = None
    """How the secret travels; None: as elsewhere at the vendor."""

    def paths(self, base_path: str, model: str, api_version: str = "") -> tuple[bytes, bytes]:
        """Path and query for a whole answer, and for a stream."""
        unary = self._filled(self.path, base_path, model, api_version)
        return unary, self._filled(self.path_stream, base_path, model, api_version) if self.path_stream else unary

    def count_path(self, base_path: str, model: str, api_version: str = "") -> bytes:
        """Path and query for a count of tokens; b"" when there is none."""
        return self._filled(self.count, base_path, model, api_version) if self.count else b""

    def _filled(self, path: str, base_path: str, model: str, api_version: str) -> bytes:
        filled = path.replace("{api_version}", quoted(api_version)).replace("{model}", quoted(model))
        return (base_path.removesuffix(self.instead_of) + filled).encode("ascii")


def quoted(name: str) -> str:
    """`name` as one segment of a path: everything but RFC 3986's unreserved characters is percent-encoded.

    RFC 3986 has no way to write a segment of `.` or `..` that is none; some servers even decode first and resolve
    then. Their dots are encoded twice, so that the provider finds no such model.
    """
    if "." in name and any(part in {".", ".."} for part in _SEGMENTS.split(name)):
        parts = re.split(r"([/\\])", name)
        return "".join("%252E" * len(part) if part in {".", ".."} else _quote(part) for part in parts)
    return _quote(name)


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="", errors="replace")


CHAT = Endpoint("/chat/completions")
"""OpenAI's paths below a base URL with the version, which other vendors took over."""
COMPLETIONS = Endpoint("/completions")
RESPONSES = Endpoint("/responses", count="/responses/input_tokens")
COMPACT = Endpoint("/responses/compact")
MESSAGES = Endpoint("/messages", count="/messages/count_tokens", headers={"anthropic-version": "2023-06-01"})
"""Anthropic's, below a base URL with the version."""


def messages(path: str, instead_of: str, credential: CredentialStyle | None = None) -> Endpoint:
    """Anthropic's dialect at a vendor whose base URL is of another one; without a count of tokens."""
    return Endpoint(path, headers=MESSAGES.headers, instead_of=instead_of, credential=credential)


GEMINI = Endpoint(
    "/models/{model}:generateContent",
    "/models/{model}:streamGenerateContent?alt=sse",
    "/models/{model}:countTokens",
)
CONVERSE = Endpoint("/model/{model}/converse", "/model/{model}/converse-stream")

STANDARD = {
    "chat": CHAT,
    "completions": COMPLETIONS,
    "responses": RESPONSES,
    "compact": COMPACT,
    "messages": MESSAGES,
    "gemini": GEMINI,
    "converse": CONVERSE,
}
"""The paths of each dialect where a server has them at their usual place."""
