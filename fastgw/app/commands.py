"""What the verbs about the gateway as a whole do: the schema, and which models there are."""

from collections.abc import Mapping

from fastgw import clock
from fastgw.app import output, sandbox
from fastgw.app.command_stores import ask
from fastgw.app.output import DONE
from fastgw.dataplane.routing.catalog import Catalog
from fastgw.settings import Settings
from fastgw.settings.prices import Price
from fastgw.storage.sql.engine import url_of
from fastgw.storage.sql.schema import migrate, schema_current
from fastgw.storage.valkey.models import ModelBoard


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


def models(settings: Settings, *, as_json: bool) -> int:
    """Print the catalogue, with what providers list if a store answers."""
    found = catalog(settings).models(clock.wall_ms())
    if as_json:
        output.result(found)
        return DONE
    rows = [(model.id, model.provider, f"{model.context_length:,}" if model.context_length else "") for model in found]
    output.table(("MODEL", "PROVIDER", "CONTEXT"), rows, right=frozenset({2}))
    return DONE


def catalog(settings: Settings, overrides: Mapping[str, Price] | None = None) -> Catalog:
    """The models of the catalogue and the configuration, and those that providers list if a store answers.

    `overrides` are prices of the admin API, which count where the configuration has none.
    """
    listed = ask(settings.stores.redis_url, ModelBoard, lambda board: board.read_all())
    return Catalog.build(sandbox.placed(settings, sandbox.NOWHERE), listed or {}, overrides or {})
