"""The verbs about API keys: `fastgw keys …`."""

from typing import Annotated, Any

import typer

from fastgw.app import cli_options as options
from fastgw.app.cli_options import AsJson, Config, DataDir

keys = typer.Typer(
    help="Create, list and revoke API keys, also while the gateway runs: a change reaches it within a second.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _quota(window: str) -> Any:
    return typer.Option(metavar="USD", help=f"What it may spend {window}; 0 or nothing: no such quota.")


@keys.command("create", short_help="Create a key and print it, this once.")
def keys_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for; shown in lists.")],
    models: Annotated[
        str,
        typer.Option(metavar="A,B", help="Models it may use: provider/model, bare names, or patterns (openai/*)."),
    ] = "",
    ips: Annotated[str, typer.Option(metavar="A,B", help="Addresses or CIDR blocks it may be used from.")] = "",
    rpm: Annotated[int, typer.Option(metavar="N", min=0, show_default=False, help="Requests per minute.")] = 0,
    tpm: Annotated[int, typer.Option(metavar="N", min=0, show_default=False, help="Tokens per minute.")] = 0,
    concurrency: Annotated[
        int,
        typer.Option(metavar="N", min=0, show_default=False, help="Requests at the same time."),
    ] = 0,
    expires: Annotated[
        str,
        typer.Option(metavar="WHEN", help="A duration from now (30d, 12h) or an ISO date (2027-01-31)."),
    ] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a request rather than leave out what a provider cannot be told.")
    ] = False,
    account: Annotated[
        str, typer.Option(metavar="ID", help="Account that pays, by id or name; else `default`, which is not limited.")
    ] = "",
    group: Annotated[str, typer.Option(metavar="G", help="Group of the settings, whose margin prices get.")] = "",
    quota_usd: Annotated[str, _quota("in all")] = "",
    quota_5h_usd: Annotated[str, _quota("in any 5 hours")] = "",
    quota_day_usd: Annotated[str, _quota("in any 24 hours")] = "",
    quota_week_usd: Annotated[str, _quota("in any 7 days")] = "",
    quota_month_usd: Annotated[str, _quota("in a calendar month, UTC")] = "",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Create an API key and print it: it is shown this once, only its hash is stored.

    Limits that are not given, or 0, are those of the default guard.
    """
    from fastgw.app import commands_keys as commands  # noqa: PLC0415
    from fastgw.exchange import Quotas  # noqa: PLC0415

    quotas = Quotas(
        total_nano=options.amount(quota_usd),
        h5_nano=options.amount(quota_5h_usd),
        d1_nano=options.amount(quota_day_usd),
        d7_nano=options.amount(quota_week_usd),
        month_nano=options.amount(quota_month_usd),
    )
    asked = commands.NewKey(
        name=name,
        models=options.names(models),
        ips=options.names(ips),
        rpm=rpm,
        tpm=tpm,
        concurrency=concurrency,
        expires_at_s=options.when(expires),
        strict=strict,
        account=account,
        group=group,
        quotas=None if quotas == Quotas() else quotas,
    )
    return commands.create_key(options.settings(config, data_dir, running=True), asked, as_json=as_json)


@keys.command("list", short_help="List all keys.")
def keys_list(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List all keys, revoked and expired ones included."""
    from fastgw.app import commands_keys as commands  # noqa: PLC0415

    return commands.list_keys(options.settings(config, data_dir), as_json=as_json)


@keys.command("revoke", short_help="Revoke a key for good.")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `fastgw keys list` shows it.")],
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Revoke a key for good. A running gateway refuses it within a second; requests that run already finish."""
    from fastgw.app import commands_keys as commands  # noqa: PLC0415

    return commands.revoke_key(options.settings(config, data_dir, running=True), key_id, as_json=as_json)
