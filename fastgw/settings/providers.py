"""Providers from the TOML file and from the vendors' own variables (`OPENAI_API_KEY`, …)."""

import urllib.parse
from collections.abc import Mapping, Sequence

import msgspec

from fastgw.settings.decode import Report
from fastgw.settings.mistakes import Path, did_you_mean
from fastgw.settings.values import Credential, HttpVersion, Listen, ProviderSettings, ProviderTls
from fastgw.settings.vendor_facts import COMPATIBLE, SANDBOX, VendorFacts, Vendors

_OWN_HOSTS = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound


class CredentialForm(msgspec.Struct, frozen=True):
    """One entry of `[[providers.credentials]]`: a secret, or the variable that holds it."""

    label: str = ""
    """Shown in logs and breakers; empty takes the variable's name."""
    secret: str = ""
    """The provider's key itself; better is `secret_env`."""
    secret_env: str = ""
    """Name of the variable that holds the provider's key."""


class ProviderForm(msgspec.Struct, frozen=True):
    """One entry of `[[providers]]` as it is written."""

    name: str
    """The first part of `provider/model`: letters, digits, `.`, `-` and `_`."""
    vendor: str = ""
    """Empty takes the vendor called like `name`, else `openai_compatible`."""
    base_url: str = ""
    """With the version path; empty takes the vendor's own."""
    secret: str = ""
    """A short way for one credential."""
    secret_env: str = ""
    """A short way for one credential; without any, `X_API_KEY` of the vendor is taken."""
    credentials: tuple[CredentialForm, ...] = ()
    """Several credentials share the load."""
    models: tuple[str, ...] = ()
    """Models to offer besides those that the provider lists."""
    any_model: bool = False
    """Takes any model name unchecked."""
    list_models: bool = True
    """Ask the provider in the background which models it has."""
    http_version: HttpVersion = "auto"
    """`auto` takes the better one for each kind of call."""
    proxy: str = ""
    """`http://[user:password@]host:port` to go through."""
    tls: ProviderTls = ProviderTls()
    headers: dict[str, str] = {}
    """Sent with each request."""


def assemble(
    forms: Sequence[tuple[int, ProviderForm]],
    environ: Mapping[str, str],
    vendors: Vendors,
    listen: Listen,
    report: Report,
) -> tuple[ProviderSettings, ...]:
    """All providers: those of the file in its order, then those that a vendor's variable turns on.

    With none of either, the built-in sandbox. `forms` come with their index in the file. Variables that point an SDK at
    this very gateway (`OPENAI_BASE_URL=http://127.0.0.1:8080/v1` in the same shell) are meant for clients and turn
    nothing on: requests would go round in a circle.
    """
    made = [_from_form(form, ("providers", index), environ, vendors, report) for index, form in forms]
    named = {form.name for _, form in forms}
    for vendor in vendors.values():
        secrets = _secrets_of(vendor, environ)
        if secrets and vendor.name not in named:
            found = _from_variables(vendor, secrets, environ)
            if not leads_back(found.base_url, listen):
                made.append(found)
    if made or SANDBOX not in vendors:
        return tuple(made)
    return (sandbox(vendors[SANDBOX], environ),)


def sandbox(vendor: VendorFacts, environ: Mapping[str, str]) -> ProviderSettings:
    """The built-in provider; its base URL is known once the supervisor has started it, and empty before."""
    return ProviderSettings(
        name=vendor.name, vendor=vendor.name, base_url=environ.get("FASTGW_SANDBOX_URL", "").rstrip("/")
    )


def leads_back(base_url: str, listen: Listen) -> bool:
    """Whether a base URL is the address that this gateway listens on, as far as can be seen without asking DNS."""
    try:
        parts = urllib.parse.urlsplit(base_url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return False
    return port == listen.port != 0 and parts.hostname in {listen.host, *_OWN_HOSTS}


def variable_for(vendor: VendorFacts, field: str) -> str:
    """The variable that gave `base_url` or `secret` of a provider which no file names."""
    if vendor.name == SANDBOX:
        return "FASTGW_SANDBOX_URL"
    return f"{vendor.env_prefix}_API_KEY" if field == "secret" else f"{vendor.env_prefix}_BASE_URL"


def _from_variables(vendor: VendorFacts, secrets: Sequence[str], environ: Mapping[str, str]) -> ProviderSettings:
    base_url = environ.get(f"{vendor.env_prefix}_BASE_URL", "").strip() or vendor.base_url
    return ProviderSettings(
        name=vendor.name,
        vendor=vendor.name,
        base_url=base_url.rstrip("/"),
        credentials=_numbered(secrets),
        list_models=vendor.lists_models,
    )


def _from_form(
    form: ProviderForm, path: Path, environ: Mapping[str, str], vendors: Vendors, report: Report
) -> ProviderSettings:
    name = form.vendor or (form.name if form.name in vendors else COMPATIBLE)
    vendor = vendors.get(name)
    if vendor is None:
        report((*path, "vendor"), f"There is no vendor {name}.", did_you_mean(name, vendors))
    base_url = form.base_url
    credentials = _credentials(form, path, environ, report)
    if vendor is not None:
        base_url = base_url or _default_base_url(vendor, environ)
        if not base_url and name != SANDBOX:
            report(path, f"{form.name} has no base_url.", 'Add base_url = "https://…/v1".')
        if not credentials and not _mentions_secret(form):
            credentials = _numbered(_secrets_of(vendor, environ))
            if not credentials and vendor.needs_credential:
                remedy = f'Add secret_env = "NAME", or set {vendor.env_prefix}_API_KEY.'
                report(path, f"{form.name} has no credential.", remedy)
    return ProviderSettings(
        name=form.name,
        vendor=name,
        base_url=base_url.rstrip("/"),
        credentials=credentials,
        models=form.models,
        any_model=form.any_model,
        list_models=form.list_models and (vendor is None or vendor.lists_models),
        http_version=form.http_version,
        proxy=form.proxy,
        tls=form.tls,
        headers=form.headers,
    )


def _default_base_url(vendor: VendorFacts, environ: Mapping[str, str]) -> str:
    if vendor.name == SANDBOX:
        return environ.get("FASTGW_SANDBOX_URL", "")
    variable = f"{vendor.env_prefix}_BASE_URL"
    return (environ.get(variable, "").strip() if vendor.env_prefix else "") or vendor.base_url


def _mentions_secret(form: ProviderForm) -> bool:
    return bool(form.secret or form.secret_env or form.credentials)


def _credentials(form: ProviderForm, path: Path, environ: Mapping[str, str], report: Report) -> tuple[Credential, ...]:
    entries: list[tuple[Path, CredentialForm]] = []
    if form.secret or form.secret_env:
        entries.append((path, CredentialForm(secret=form.secret, secret_env=form.secret_env)))
    entries += [((*path, "credentials", index), entry) for index, entry in enumerate(form.credentials)]
    found: list[Credential] = []
    for place, entry in entries:
        label = entry.label or entry.secret_env or f"toml-{len(found) + 1}"
        secret = _secret(entry, place, environ, report)
        if label in {known.label for known in found}:
            report(place, f"The credential label {label} is used twice.", "Give each credential its own label.")
        elif secret:
            found.append(Credential(label=label, secret=secret))
    return tuple(found)


def _secret(entry: CredentialForm, place: Path, environ: Mapping[str, str], report: Report) -> str:
    if entry.secret and entry.secret_env:
        report(place, "Has both secret and secret_env.", "Keep one of them.")
    elif entry.secret_env and not environ.get(entry.secret_env, "").strip():
        where = (*place, "secret_env")
        report(where, f"The variable {entry.secret_env} is not set.", f"Set {entry.secret_env} to the provider's key.")
    elif not entry.secret and not entry.secret_env:
        report(place, "Holds no secret.", 'Add secret_env = "NAME".')
    return entry.secret or environ.get(entry.secret_env, "").strip()


def _secrets_of(vendor: VendorFacts, environ: Mapping[str, str]) -> list[str]:
    """The keys in `X_API_KEY`, separated by commas."""
    if not vendor.env_prefix:
        return []
    return [part.strip() for part in environ.get(f"{vendor.env_prefix}_API_KEY", "").split(",") if part.strip()]


def _numbered(secrets: Sequence[str]) -> tuple[Credential, ...]:
    labels = ["env" if index == 0 else f"env-{index + 1}" for index in range(len(secrets))]
    return tuple(Credential(label=label, secret=secret) for label, secret in zip(labels, secrets, strict=True))
