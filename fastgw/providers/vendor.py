"""What a vendor is: where it is reached, how it is paid for, what it speaks. Data only; nothing here does I/O.

Each vendor is one file beside this one. A fact that surprises carries its source and the day it was read.
"""

import re
import urllib.parse
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from fastgw.protocols.hub.target import Abilities, Target
from fastgw.providers import overrides, secret_forms
from fastgw.providers.endpoint import CHAT, STANDARD, CredentialStyle, Endpoint

PATTERNS_MAX = 1_024
"""Patterns that are kept compiled; all vendors together have some 150."""

Headers = tuple[tuple[bytes, bytes], ...]


class Rule(msgspec.Struct, frozen=True):
    """What holds for models of a certain name. Of several that fit, a later one wins."""

    pattern: str
    """Of the provider's own name of the model, in any case; `*` stands for any text, `|` separates several."""
    abilities: dict[str, Any] = {}
    """Fields of `Abilities` that are other than the vendor's."""
    dialect: str = ""
    """Only where the model is asked in this one; empty: in any."""
    family: str = ""
    """Who can read seals made there, where it is not the vendor's."""
    speaks: tuple[str, ...] = ()
    """The only dialects in which these models are reached, in order of preference; empty: all of the vendor's."""

    def fits(self, model: str) -> bool:
        """Whether it is about `model`."""
        return _compiled(self.pattern).fullmatch(model) is not None


class Vendor(msgspec.Struct, frozen=True):
    """One vendor of models."""

    name: str
    """As in `provider/model`; letters, digits and `_`."""
    title: str
    """For people."""
    base_url: str
    """With the version path, without a trailing slash; empty when each operator has an own one. `{region}`, `{project}`
    and `{resource}` are filled in from the provider's settings."""
    source: str
    """The page that states the base URL, and the day it was read."""
    regions: dict[str, str] = {}
    """Base URLs of other regions, by the provider's setting `region`."""
    owned_by: str = ""
    """What model lists show as the owner; empty takes the provider's name."""
    env_prefix: str = ""
    """`OPENAI` for `OPENAI_API_KEY` and `OPENAI_BASE_URL`; empty when no variable turns the vendor on."""
    credential: CredentialStyle = "bearer"
    """How the secret travels."""
    needs_credential: bool = True
    """Whether a provider of this vendor is useless without a secret."""
    signer: Literal["", "sigv4", "google", "entra"] = ""
    """What turns a secret that is none to be sent (`secret_forms`) into headers; empty: every secret is sent."""
    endpoints: dict[str, Endpoint] = msgspec.field(default_factory=lambda: {"chat": CHAT})
    """By the name of the dialect, in order of preference: the first is the vendor's own."""
    headers: dict[str, str] = {}
    """Sent with each request; names in lower case."""
    family: str = ""
    """Who can read seals made there; empty: the vendor's name. `{dialect}` in it stands for the one that was asked."""
    abilities: Abilities = Abilities()
    """Of models that no rule is about."""
    rules: tuple[Rule, ...] = ()
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

    @property
    def dialects(self) -> tuple[str, ...]:
        """Names of all dialects in which a server can be asked."""
        return tuple(STANDARD)

    @property
    def takes_api_version(self) -> bool:
        """Whether each request names a version of the API, which the operator has to choose."""
        return any("{api_version}" in endpoint.path for endpoint in self.endpoints.values())

    def ability_mistake(self, name: str, value: Any) -> tuple[str, str] | None:
        """What is wrong with an ability that an operator wrote, and the remedy."""
        return overrides.mistake(name, value)

    def secret_mistake(self, secret: str) -> tuple[str, str] | None:
        """What is wrong with a secret that was meant to sign, and the remedy."""
        return secret_forms.mistake(self.signer, secret)

    @property
    def lists_models(self) -> bool:
        """Whether it says at run time which models it has."""
        return bool(self.models_path)

    def spoken(self, model: str, speaks: Sequence[str] = ()) -> dict[str, Endpoint]:
        """The endpoints that reach `model`, in order of preference. `speaks`: the provider's setting, replaces all."""
        if speaks:
            return {name: self.endpoints.get(name, STANDARD[name]) for name in speaks}
        only: tuple[str, ...] = ()
        for rule in self.rules:
            if rule.speaks and rule.fits(model):
                only = rule.speaks
        return {name: self.endpoints[name] for name in only} if only else self.endpoints

    def target(self, model: str, dialect: str, abilities: Mapping[str, Any] = MappingProxyType({})) -> Target:
        """The lane to `model`, asked in `dialect`. `abilities`: the provider's setting, wins over every rule."""
        found: dict[str, Any] = {}
        family = (self.family or self.name).replace("{dialect}", dialect)
        for rule in self.rules:
            if rule.dialect in {"", dialect} and rule.fits(model):
                found |= rule.abilities
                family = rule.family or family
        found |= overrides.typed(abilities)
        known = msgspec.structs.replace(self.abilities, **found) if found else self.abilities
        return Target(model=model, dialect=dialect, vendor=self.name, family=family, abilities=known)

    def request_headers(self, secret: str, dialect: str = "") -> Headers:
        """Credential and fixed headers of a request in `dialect`, names in lower case. Secret: never logged.

        Without the credential if a signer makes it (`signs`).
        """
        endpoint = self.endpoints.get(dialect) or STANDARD.get(dialect)
        headers = self.headers | endpoint.headers if endpoint else self.headers
        style = endpoint.credential if endpoint else None
        return self._headers(style or self.credential, secret, headers)

    def signs(self, secret: str) -> bool:
        """Whether `secret` is never sent itself, but turned into headers by the vendor's signer."""
        return secret_forms.signed(self.signer, secret)

    def models_request(self, base_url: str, secret: str) -> tuple[str, Headers]:
        """URL and headers of the GET that lists models.

        The answer has OpenAI's shape (`{"data": [{"id": …}]}`) or Gemini's (`{"models": [{"name": …}]}`).
        """
        style = self.models_credential or self.credential
        return base_url.rstrip("/") + self.models_path, self._headers(style, secret, self.headers)

    def _headers(self, style: CredentialStyle, secret: str, headers: Mapping[str, str]) -> Headers:
        fixed = tuple((name.encode("ascii"), value.encode("ascii")) for name, value in headers.items())
        if not secret or style == "none" or self.signs(secret):
            return fixed
        if style == "bearer":
            return ((b"authorization", b"Bearer " + secret.encode("ascii")), *fixed)
        return ((style.encode("ascii"), secret.encode("ascii")), *fixed)


@lru_cache(maxsize=PATTERNS_MAX)
def _compiled(pattern: str) -> re.Pattern[str]:
    one_of = (".*".join(map(re.escape, one.split("*"))) for one in pattern.split("|"))
    return re.compile("|".join(one_of), re.IGNORECASE | re.DOTALL)


def split_url(base_url: str) -> tuple[str, str]:
    """A base URL as origin (`scheme://host[:port]`, lower case, no default port) and path without a last slash."""
    parts = urllib.parse.urlsplit(base_url)
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(scheme)
    port = "" if parts.port in {None, default} else f":{parts.port}"
    return f"{scheme}://{host}{port}", parts.path.rstrip("/")
