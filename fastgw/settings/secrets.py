"""Secrets, of providers and of the gateway itself: from the TOML file, from variables and from files."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TypeVar

import msgspec

from fastgw.settings.decode import Report
from fastgw.settings.mistakes import Path
from fastgw.settings.values import Credential, Settings
from fastgw.settings.vendor_facts import VendorFacts

_S = TypeVar("_S", bound=msgspec.Struct)
_PAYERS = ("stripe", "nowpayments", "yookassa")
_LINE_END = re.compile(r"\s*[\r\n]\s*")

SECRET_BYTES_MAX = 64 * 1024
"""Of a file with a secret; the JSON of a service account has 2.4 KB."""


class CredentialForm(msgspec.Struct, frozen=True):
    """One entry of `[[providers.credentials]]`: a secret, or the variable or file that holds it."""

    label: str = ""
    """Shown in logs and breakers; empty takes the variable's name."""
    secret: str = ""
    """The provider's key itself; better is `secret_env`."""
    secret_env: str = ""
    """Name of the variable that holds the provider's key."""
    secret_file: str = ""
    """Path of a file that holds it, like the JSON of a Google service account."""


def credentials_of(
    secret: str,
    secret_env: str,
    secret_file: str,
    forms: Sequence[CredentialForm],
    path: Path,
    environ: Mapping[str, str],
    report: Report,
) -> tuple[Credential, ...]:
    """All credentials of the provider at `path`: the one written the short way, then those of the list."""
    entries: list[tuple[Path, CredentialForm]] = []
    if secret or secret_env or secret_file:
        entries.append((path, CredentialForm("", secret, secret_env, secret_file)))
    entries += [((*path, "credentials", index), entry) for index, entry in enumerate(forms)]
    found: list[Credential] = []
    for place, entry in entries:
        label = entry.label or entry.secret_env or f"toml-{len(found) + 1}"
        value = _secret(entry, place, environ, report)
        if label in {known.label for known in found}:
            report(place, f"The credential label {label} is used twice.", "Give each credential its own label.")
        elif value:
            found.append(Credential(label=label, secret=value))
    return tuple(found)


def secrets_of(vendor: VendorFacts, environ: Mapping[str, str]) -> list[str]:
    """The keys in `X_API_KEY`, separated by commas; JSON counts as one."""
    if not vendor.env_prefix:
        return []
    text = environ.get(f"{vendor.env_prefix}_API_KEY", "").strip()
    if text.startswith("{"):
        return [_on_one_line(text)]
    return [part.strip() for part in text.split(",") if part.strip()]


def numbered(secrets: Sequence[str]) -> tuple[Credential, ...]:
    """Credentials from a variable, labelled `env`, `env-2` and so on."""
    labels = ["env" if index == 0 else f"env-{index + 1}" for index in range(len(secrets))]
    return tuple(Credential(label=label, secret=secret) for label, secret in zip(labels, secrets, strict=True))


def with_secret_files(settings: Settings, report: Report) -> Settings:
    """The settings with the content of each `X_file` in place of `X`, for the gateway's own secrets."""
    payments = settings.payments
    filled = {name: _filled(getattr(payments, name), ("payments", name), report) for name in _PAYERS}
    settings = _filled(settings, (), report)
    return msgspec.structs.replace(settings, payments=msgspec.structs.replace(payments, **filled))


def _filled(owner: _S, path: Path, report: Report) -> _S:
    found: dict[str, str] = {}
    for field in owner.__struct_fields__:
        name = field.removesuffix("_file")
        file = getattr(owner, field)
        if name != field and file:
            if getattr(owner, name):
                report((*path, field), f"Is given as {name} too.", "Keep one of them.")
            found[name] = _from_file(file, (*path, field), report)
    return msgspec.structs.replace(owner, **found)


def _secret(entry: CredentialForm, place: Path, environ: Mapping[str, str], report: Report) -> str:
    given = [name for name in ("secret", "secret_env", "secret_file") if getattr(entry, name)]
    if len(given) > 1:
        report(place, f"Has both {given[0]} and {given[1]}.", "Keep one of them.")
    elif entry.secret_env and not environ.get(entry.secret_env, "").strip():
        where = (*place, "secret_env")
        report(where, f"The variable {entry.secret_env} is not set.", f"Set {entry.secret_env} to the provider's key.")
    elif not given:
        report(place, "Holds no secret.", 'Add secret_env = "NAME".')
    elif entry.secret_file:
        return _from_file(entry.secret_file, (*place, "secret_file"), report)
    return _on_one_line(entry.secret or environ.get(entry.secret_env, ""))


def _from_file(file: str, place: Path, report: Report) -> str:
    try:
        with FilePath(file).expanduser().open("rb") as opened:
            content = opened.read(SECRET_BYTES_MAX + 1)
        text = content.decode("utf-8")
    except OSError as error:
        report(place, f"{file} cannot be read: {error.strerror}.", "Give the path of a readable file.")
        return ""
    except UnicodeDecodeError:
        report(place, f"{file} is no text.", "Give the path of a file that holds the secret as text.")
        return ""
    if len(content) > SECRET_BYTES_MAX or not text.strip():
        report(place, f"{file} holds no secret.", f"Give the path of a file of 1 to {SECRET_BYTES_MAX} bytes.")
        return ""
    return _on_one_line(text)


def _on_one_line(text: str) -> str:
    """JSON of several lines as one: between its values a line end is white space, within a string it cannot stand."""
    text = text.strip()
    return _LINE_END.sub(" ", text) if text.startswith("{") else text
