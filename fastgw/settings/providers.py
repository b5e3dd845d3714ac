"""Providers from the TOML file and from the vendors' own variables (`OPENAI_API_KEY`, …)."""

import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from fastgw.settings.addresses import Address, base_url_of, missing, variables_of
from fastgw.settings.decode import Report
from fastgw.settings.mistakes import Path, did_you_mean
from fastgw.settings.secrets import CredentialForm, credentials_of, numbered, secrets_of
from fastgw.settings.values import DrainSeconds, HttpVersion, Listen, ProviderSettings, ProviderTls
from fastgw.settings.vendor_facts import COMPATIBLE, SANDBOX, VendorFacts, Vendors

_OWN_HOSTS = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "::"}  # noqa: S104 - compared, not bound


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
    secret_file: str = ""
    """A short way for one credential."""
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
    speaks: tuple[str, ...] = ()
    """Dialects that the server has, the best first: `chat`, `completions`, `responses`, `messages` (Anthropic),
    `gemini`, `converse`; empty takes what is known of the vendor."""
    abilities: dict[str, Any] = {}
    """What its models take, where that is not what is known of the vendor, like `{ image_input = false }`; all names
    are in [providers.md](providers.md#abilities)."""
    region: str = ""
    """Where the vendor has several: see [providers.md](providers.md)."""
    project: str = ""
    """Of Google Cloud (`vertex`)."""
    resource: str = ""
    """Name of the resource at Azure (`azure`, `azure_deployments`)."""
    api_version: str = ""
    """Version of the API, like `2024-10-21` (`azure_deployments`)."""
    drain_on_disconnect_s: DrainSeconds = 0
    """Seconds for which the answer is still read after the caller has gone, so that the true usage is billed; 0: the
    request is given up at once, and what came so far is counted here."""


def assemble(
    forms: Sequence[tuple[int, ProviderForm]],
    environ: Mapping[str, str],
    vendors: Vendors,
    listen: Listen,
    report: Report,
    report_variable: Callable[[str, str, str], None],
) -> tuple[ProviderSettings, ...]:
    """All providers: those of the file in its order, then those that a vendor's variable turns on.

    With none of either, the built-in sandbox. `forms` come with their index in the file; `report_variable` takes the
    name of a variable instead of a path. Variables that point an SDK at
    this very gateway (`OPENAI_BASE_URL=http://127.0.0.1:8080/v1` in the same shell) are meant for clients and turn
    nothing on: requests would go round in a circle.
    """
    made = [_from_form(form, ("providers", index), environ, vendors, report) for index, form in forms]
    named = {form.name for _, form in forms}
    for vendor in vendors.values():
        secrets = secrets_of(vendor, environ)
        if secrets and vendor.name not in named:
            for key, message, _ in missing(vendor, variables_of(vendor, environ)):
                variable = f"{vendor.env_prefix}_{key.upper()}"
                report_variable(
                    variable, f"{vendor.name} {message}", f"Set {variable}, or {vendor.env_prefix}_BASE_URL."
                )
            for wrong in filter(None, map(vendor.secret_mistake, secrets)):
                report_variable(f"{vendor.env_prefix}_API_KEY", *wrong)
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
    address = variables_of(vendor, environ)
    return ProviderSettings(
        name=vendor.name,
        vendor=vendor.name,
        base_url=base_url_of(vendor, address),
        credentials=numbered(secrets),
        # A vendor that cannot say what it has must be believed to have what is asked for.
        any_model=not vendor.lists_models,
        list_models=vendor.lists_models,
        region=address.region,
    )


def _from_form(
    form: ProviderForm, path: Path, environ: Mapping[str, str], vendors: Vendors, report: Report
) -> ProviderSettings:
    name = form.vendor or (form.name if form.name in vendors else COMPATIBLE)
    vendor = vendors.get(name)
    address = Address(form.base_url, form.region, form.project, form.resource)
    credentials = credentials_of(
        form.secret, form.secret_env, form.secret_file, form.credentials, path, environ, report
    )
    base_url = form.base_url
    if vendor is None:
        report((*path, "vendor"), f"There is no vendor {name}.", did_you_mean(name, vendors))
    else:
        address = address.over(variables_of(vendor, environ))
        base_url = base_url_of(vendor, address)
        _check_address(form, vendor, address, path, report)
        _check_lane(form, vendor, path, report)
        for wrong in filter(None, (vendor.secret_mistake(one.secret) for one in credentials)):
            report(path, *wrong)
        if not credentials and not _mentions_secret(form):
            credentials = numbered(secrets_of(vendor, environ))
            if not credentials and vendor.needs_credential:
                variable = f", or set {vendor.env_prefix}_API_KEY" if vendor.env_prefix else ""
                report(path, f"{form.name} has no credential.", f'Add secret_env = "NAME"{variable}.')
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
        speaks=form.speaks,
        abilities=form.abilities,
        api_version=form.api_version,
        region=address.region,
        drain_on_disconnect_s=form.drain_on_disconnect_s,
    )


def _check_address(form: ProviderForm, vendor: VendorFacts, address: Address, path: Path, report: Report) -> None:
    for key, message, remedy in missing(vendor, address):
        report((*path, key) if getattr(form, key) else path, f"{form.name} {message}", remedy)
    if not base_url_of(vendor, address) and vendor.name != SANDBOX:
        report(path, f"{form.name} has no base_url.", 'Add base_url = "https://…/v1".')
    if vendor.takes_api_version != bool(form.api_version):
        if vendor.takes_api_version:
            report(path, f"{form.name} has no api_version.", 'Add api_version = "2024-10-21", or a later one.')
        else:
            report((*path, "api_version"), f"{vendor.name} knows no versions of its API.", "Leave it out.")


def _check_lane(form: ProviderForm, vendor: VendorFacts, path: Path, report: Report) -> None:
    for index, dialect in enumerate(form.speaks):
        if dialect not in vendor.dialects:
            message = f"There is no dialect {dialect}."
            report((*path, "speaks", index), message, did_you_mean(dialect, vendor.dialects))
    for name, value in form.abilities.items():
        wrong = vendor.ability_mistake(name, value)
        if wrong is not None:
            report((*path, "abilities", name), *wrong)


def _mentions_secret(form: ProviderForm) -> bool:
    return bool(form.secret or form.secret_env or form.secret_file or form.credentials)
