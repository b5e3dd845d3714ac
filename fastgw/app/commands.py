"""What the verbs of the command line do. Truth goes to SQL first; a gateway that runs is told through its store."""

import asyncio
import ipaddress
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from redis.exceptions import RedisError
from sqlalchemy import Engine

from fastgw import apikey, clock
from fastgw.app import moments, output, sandbox
from fastgw.app.output import DONE
from fastgw.dataplane.routing.catalog import Catalog
from fastgw.errors import StartupError
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.settings import Settings
from fastgw.storage.sql.engine import explained, open_engine, url_of
from fastgw.storage.sql.keys import KeyRecord, Keys
from fastgw.storage.sql.report import UsageReport
from fastgw.storage.sql.schema import migrate, schema_current
from fastgw.storage.valkey.keys import KeyMirror
from fastgw.storage.valkey.models import ModelBoard

_log = logging.getLogger("fastgw.cli")


class NewKey(msgspec.Struct, frozen=True):
    """What a new key may do. Empty and 0 mean: no rule of its own."""

    name: str
    models: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    rpm: int = 0
    tpm: int = 0
    concurrency: int = 0
    expires_at_s: int = 0
    strict: bool = False


def migrate_schema(settings: Settings, *, as_json: bool) -> int:
    """Bring the schema up to date."""
    settings.stores.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = url_of(settings.stores.database_url, settings.stores.data_dir)
    changed = not schema_current(url)
    migrate(url)
    if as_json:
        output.result({"migrated": changed})
    else:
        output.line("The schema is up to date now." if changed else "The schema was up to date already.")
    return DONE


def create_key(settings: Settings, asked: NewKey, *, as_json: bool) -> int:
    """Mint and store a key, tell a running gateway, print it."""
    ips = tuple(_block(text) for text in asked.ips)
    key = apikey.mint(settings.key_prefix)
    limits = Limits(requests_per_min=asked.rpm, tokens_per_min=asked.tpm, concurrency=asked.concurrency)
    with _database(settings) as engine:
        record = Keys(engine).create(
            key,
            name=asked.name,
            now_ms=clock.wall_ms(),
            limits=limits,
            models=asked.models,
            ips=ips,
            expires_at_s=asked.expires_at_s,
            strict=asked.strict,
        )
    _tell(settings, record.principal())
    if as_json:
        output.result({"id": record.id, "key": key})
    else:
        output.line(f"{key}\n\nThis is the key {record.id} ({asked.name}). Keep it: it is not shown again.")
    return DONE


def list_keys(settings: Settings, *, as_json: bool) -> int:
    """Print all keys."""
    with _database(settings) as engine:
        records = Keys(engine).all()
    if as_json:
        output.result([_shown(record) for record in records])
        return DONE
    rows = [
        (
            record.id,
            record.hint,
            record.name,
            _state(record),
            moments.shown(record.expires_at_s),
            ",".join(record.models) or "all",
        )
        for record in records
    ]
    output.table(("ID", "KEY", "NAME", "STATE", "EXPIRES", "MODELS"), rows)
    return DONE


def revoke_key(settings: Settings, key_id: str, *, as_json: bool) -> int:
    """Revoke a key and tell a running gateway. Raises `StartupError` when there is no such key."""
    with _database(settings) as engine:
        record = Keys(engine).revoke(key_id, clock.wall_ms())
    if record is None:
        raise StartupError(f"There is no key {key_id}. `fastgw keys list` shows all ids.")
    _tell(settings, record.principal())
    if as_json:
        output.result(_shown(record))
    else:
        output.line(f"{record.id} ({record.name}) is revoked.")
    return DONE


def usage(settings: Settings, *, since_ms: int, by: str, as_json: bool) -> int:
    """Print sums of usage."""
    with _database(settings) as engine:
        report = UsageReport(engine).read(since_ms=since_ms)
    if as_json:
        output.result(report)
        return DONE
    column = "model" if by == "model" else "key_id"
    columns = ("requests", "errors", "input_tokens", "output_tokens", "total_tokens")
    rows = [(str(row[column]), *(f"{row[name]:,}" for name in columns)) for row in report[f"by_{by}"]]
    rows.append(("total", *(f"{report['totals'][name]:,}" for name in columns)))
    head = (by.upper(), *(name.replace("_", " ").upper() for name in columns))
    output.table(head, rows, right=frozenset(range(1, len(head))))
    return DONE


def models(settings: Settings, *, as_json: bool) -> int:
    """Print the catalogue, with what providers list if a store answers."""
    listed = asyncio.run(_listed(settings.stores.redis_url)) if settings.stores.redis_url else {}
    found = Catalog.build(sandbox.placed(settings, sandbox.NOWHERE), listed).models()
    if as_json:
        output.result(found)
        return DONE
    rows = [(model.id, model.provider, f"{model.context_length:,}" if model.context_length else "") for model in found]
    output.table(("MODEL", "PROVIDER", "CONTEXT"), rows, right=frozenset({2}))
    return DONE


@contextmanager
def _database(settings: Settings) -> Iterator[Engine]:
    url = url_of(settings.stores.database_url, settings.stores.data_dir)
    if not settings.stores.database_url:
        try:
            settings.stores.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(
                f"The data folder {settings.stores.data_dir} cannot be made: {error.strerror}."
            ) from error
    migrate(url)
    engine = open_engine(url)
    try:
        with explained(engine):
            yield engine
    finally:
        engine.dispose()


def _tell(settings: Settings, principal: Principal) -> None:
    """Put a changed key into the mirror, if one answers. If none does, the keeper finds the change by itself."""
    if settings.stores.redis_url:
        asyncio.run(_put(settings.stores.redis_url, principal))


async def _put(url: str, principal: Principal) -> None:
    mirror = KeyMirror(url)
    try:
        await mirror.put(principal)
    except (RedisError, OSError) as error:
        _log.debug("no store to tell: %s", error)
    finally:
        await mirror.aclose()


async def _listed(url: str) -> dict[str, tuple[str, ...]]:
    board = ModelBoard(url)
    try:
        return await board.read_all()
    except (RedisError, OSError) as error:
        _log.debug("no store to ask: %s", error)
        return {}
    finally:
        await board.aclose()


def _block(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise StartupError(f"--ips: {text!r} is neither an address nor a CIDR block (10.0.0.0/8).") from error


def _state(record: KeyRecord) -> str:
    if record.revoked_at_ms:
        return "revoked"
    return "expired" if 0 < record.expires_at_s <= clock.wall_ms() // 1000 else "valid"


def _shown(record: KeyRecord) -> dict[str, Any]:
    shown = msgspec.structs.asdict(record)
    del shown["digest"]
    return {**shown, "state": _state(record)}
