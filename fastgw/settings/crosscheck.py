"""Checks that need more than one value, or the file system: names used twice, targets, URLs, CIDR blocks, TLS files."""

import ipaddress
import re
import urllib.parse
from collections.abc import Iterable
from pathlib import Path as FilePath

from fastgw.settings.decode import Report
from fastgw.settings.hosts import hosts_and_ports
from fastgw.settings.mistakes import Path, did_you_mean
from fastgw.settings.providers import leads_back
from fastgw.settings.values import ProviderSettings, Settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KEY_PREFIX = re.compile(r"[A-Za-z0-9_-]{0,32}")
_DATABASES = ("postgresql://", "postgresql+psycopg://", "sqlite:///")

_NOT_TO_SET = {
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""Headers that frame or describe what the gateway sends (RFC 9110 7.6.1, RFC 9112 6)."""


def check_values(settings: Settings, report: Report) -> None:
    """Reports everything that the types of `values` cannot say."""
    _listen(settings, report)
    _stores(settings, report)
    _guard(settings, report)
    for index, provider in enumerate(settings.providers):
        _provider(provider, ("providers", index), report)
        if leads_back(provider.base_url, settings.listen):
            remedy = "Give the provider's own address, or let the gateway listen on another port."
            report(("providers", index, "base_url"), "Is the address of this gateway itself.", remedy)
    _no_duplicates([provider.name for provider in settings.providers], "providers", report)
    _no_duplicates([model.name for model in settings.models], "models", report)
    _targets(settings, report)


def _listen(settings: Settings, report: Report) -> None:
    listen = settings.listen
    for index, block in enumerate(listen.trusted_proxies):
        try:
            ipaddress.ip_network(block)
        except ValueError as error:
            # From a variable the list has one place, in a file each element has its own.
            path: Path = ("listen", "trusted_proxies")
            report((*path, index), f"Is not a CIDR block: {error}.", "Write it like 10.0.0.0/8 or 2001:db8::/32.")
    if bool(listen.tls_cert) != bool(listen.tls_key):
        missing = "tls_key" if listen.tls_cert else "tls_cert"
        given = "tls_cert" if listen.tls_cert else "tls_key"
        report(("listen", given), f"{missing} is missing.", f"Set both {given} and {missing}, or none.")
    for name in ("tls_cert", "tls_key"):
        _readable(getattr(listen, name), ("listen", name), report)
    if not _KEY_PREFIX.fullmatch(settings.key_prefix):
        report(("key_prefix",), "Has characters that keys cannot carry.", "Use up to 32 letters, digits, - and _.")


def _guard(settings: Settings, report: Report) -> None:
    for index, entry in enumerate(settings.guard.fetch_hosts):
        try:
            hosts_and_ports([entry])
        except ValueError:
            report(("guard", "fetch_hosts", index), "Is no host.", "Write media.internal or media.internal:8080.")


def _stores(settings: Settings, report: Report) -> None:
    if settings.stores.redis_url:
        check_url(settings.stores.redis_url, {"redis", "rediss", "unix"}, ("stores", "redis_url"), report)
    database = settings.stores.database_url
    if database and not database.startswith(_DATABASES):
        scheme = database.split("://", 1)[0]
        report(
            ("stores", "database_url"),
            f"{scheme} is no database that the gateway knows.",
            "Write postgresql://user:password@host/name, or leave it out for SQLite.",
        )


def _provider(provider: ProviderSettings, path: Path, report: Report) -> None:
    if not _NAME.fullmatch(provider.name):
        report((*path, "name"), "Is no provider name.", "Use letters, digits, '.', '-' and '_', without a slash.")
    if provider.base_url:
        check_url(provider.base_url, {"http", "https"}, (*path, "base_url"), report)
    if provider.proxy:
        check_url(provider.proxy, {"http"}, (*path, "proxy"), report)
    if not all(one.secret.isascii() and one.secret.isprintable() for one in provider.credentials):
        report((*path, "secret"), "Has characters that no HTTP header can carry.", "Copy the key again.")
    for name in ("ca_file", "client_cert", "client_key"):
        _readable(getattr(provider.tls, name), (*path, "tls", name), report)
    if bool(provider.tls.client_cert) != bool(provider.tls.client_key):
        report((*path, "tls"), "A client certificate needs both client_cert and client_key.", "Set both, or none.")
    for name, value in provider.headers.items():
        if name.lower() in _NOT_TO_SET:
            report((*path, "headers", name), "Is set by the gateway itself.", "Leave it out.")
        if not _HEADER_NAME.fullmatch(name) or not (value.isascii() and value.isprintable()):
            report((*path, "headers", name), "Is no HTTP header.", "Use printable ASCII in name and value.")


def check_url(url: str, schemes: set[str], path: Path, report: Report, query: bool = False) -> None:
    """Reports what is no URL of one of `schemes`; with `query` it may have a query and a fragment."""
    remedy = f"Write a URL like {sorted(schemes)[0]}://host/path."
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port
    except ValueError as error:
        report(path, f"Is not a URL: {error}.", remedy)
        return
    if parts.scheme not in schemes:
        report(path, f"Has the scheme {parts.scheme or 'none'!r}; known: {', '.join(sorted(schemes))}.", remedy)
    elif parts.scheme == "unix":
        if not parts.path:
            report(path, "Names no socket.", "Write unix:///path/to/socket.")
    elif not parts.hostname or any(character.isspace() for character in url):
        report(path, "Is not a URL with a host.", remedy)
    elif parts.scheme in {"http", "https"} and not query and (parts.query or parts.fragment):
        report(path, "Has a query or fragment.", "Leave out everything from ? or #.")


def _readable(file: str, path: Path, report: Report) -> None:
    if not file:
        return
    try:
        with FilePath(file).expanduser().open("rb") as opened:
            opened.read(1)
    except OSError as error:
        report(path, f"{file} cannot be read: {error.strerror}.", "Give the path of a readable PEM file.")


def _no_duplicates(names: Iterable[str], key: str, report: Report) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            report((key, index, "name"), f"{name} is defined twice.", "Give each entry its own name.")
        seen.add(name)


def _targets(settings: Settings, report: Report) -> None:
    """Each target is `provider/model` of a known provider, another alias, or a bare name that a provider may have."""
    providers = {provider.name for provider in settings.providers}
    aliases = {model.name: model.targets for model in settings.models}
    for index, model in enumerate(settings.models):
        if not model.targets:
            report(("models", index, "targets"), "Is empty.", 'Name at least one target: ["provider/model"].')
        for position, target in enumerate(model.targets):
            path: Path = ("models", index, "targets", position)
            provider, slash, _ = target.partition("/")
            if target not in aliases and slash and provider not in providers:
                report(path, f"There is no provider {provider}.", did_you_mean(provider, providers))
        if _reaches(model.name, model.name, aliases, set()):
            report(("models", index), f"{model.name} leads back to itself.", "Break the circle of targets.")


def _reaches(start: str, goal: str, aliases: dict[str, tuple[str, ...]], seen: set[str]) -> bool:
    for target in aliases.get(start, ()):
        if target == goal:
            return True
        if target not in seen:
            seen.add(target)
            if _reaches(target, goal, aliases, seen):
                return True
    return False
