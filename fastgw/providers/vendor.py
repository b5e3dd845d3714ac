"""What a vendor is: where it is reached, how it is paid for, what it speaks. Data only; nothing here does I/O.

Each vendor is one file beside this one. A fact that surprises carries its source and the day it was read.
"""

import urllib.parse
from typing import Literal

import msgspec

CredentialStyle = Literal["bearer", "x-api-key", "x-goog-api-key", "none"]
OutputCapField = Literal["max_completion_tokens", "max_tokens"]


class Vendor(msgspec.Struct, frozen=True):
    """One vendor of models."""

    name: str
    """As in `provider/model`; letters, digits and `_`."""
    title: str
    """For people."""
    base_url: str
    """With the version path, without a trailing slash; empty when each operator has an own one."""
    source: str
    """The page that states the base URL, and the day it was read."""
    owned_by: str = ""
    """What model lists show as the owner; empty takes the provider's name."""
    env_prefix: str = ""
    """`OPENAI` for `OPENAI_API_KEY` and `OPENAI_BASE_URL`; empty when no variable turns the vendor on."""
    credential: CredentialStyle = "bearer"
    """How the secret travels."""
    needs_credential: bool = True
    """Whether a provider of this vendor is useless without a secret."""
    endpoints: dict[str, str] = msgspec.field(default_factory=lambda: {"chat": "/chat/completions"})
    """Path below the base URL for each dialect that the vendor speaks; `chat` is OpenAI's chat completions."""
    headers: dict[str, str] = {}
    """Sent with each request; names in lower case."""
    models_path: str = "/models"
    """Where models are listed, below the base URL; empty when they are not."""
    models_credential: CredentialStyle | None = None
    """How the secret travels when models are listed; None: as with every request."""
    models: tuple[str, ...] = ()
    """Models that it is known to have in any case."""
    variants: bool = False
    """A name may go on after a colon (`echo:chunks=10`); what stands before it is the model."""
    price_book: str = ""
    """Its id in the shipped catalogue; empty when that has no prices of it."""
    model_prefix: str = ""
    """Cut from the names in its own model list (`models/` at Gemini)."""
    stream_usage: bool = True
    """Understands `stream_options.include_usage`, so that a stream ends with its token counts."""
    output_cap: OutputCapField = "max_completion_tokens"
    """Name of the field that limits the output of a chat."""

    @property
    def lists_models(self) -> bool:
        """Whether it says at run time which models it has."""
        return bool(self.models_path)

    def request_headers(self, secret: str) -> tuple[tuple[bytes, bytes], ...]:
        """Credential and fixed headers of a request, names in lower case. Secret: never logged."""
        return self._headers(self.credential, secret)

    def models_request(self, base_url: str, secret: str) -> tuple[str, tuple[tuple[bytes, bytes], ...]]:
        """URL and headers of the GET that lists models in OpenAI's shape (`{"data": [{"id": …}]}`)."""
        return base_url.rstrip("/") + self.models_path, self._headers(self.models_credential or self.credential, secret)

    def _headers(self, style: CredentialStyle, secret: str) -> tuple[tuple[bytes, bytes], ...]:
        fixed = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in self.headers.items())
        if not secret or style == "none":
            return fixed
        if style == "bearer":
            return ((b"authorization", b"Bearer " + secret.encode("ascii")), *fixed)
        return ((style.encode("ascii"), secret.encode("ascii")), *fixed)


def split_url(base_url: str) -> tuple[str, str]:
    """A base URL as origin (`scheme://host[:port]`, lower case, no default port) and path without a last slash."""
    parts = urllib.parse.urlsplit(base_url)
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(scheme)
    port = "" if parts.port in {None, default} else f":{parts.port}"
    return f"{scheme}://{host}{port}", parts.path.rstrip("/")
