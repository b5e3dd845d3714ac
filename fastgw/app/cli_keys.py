"""The verbs about API keys: `fastgw keys …`."""

from typing import Annotated, Any

import typer

from fastgw.app import cli_options as options
from fastgw.app.cli_options import AsJson, Config, DataDir

keys = typer.Typer(
    help="Create, show, change and revoke API keys, also while the gateway runs: a change reaches it within a second.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `fastgw keys list` shows it.")]
ALL_MODELS, ANY_IP, NEVER = "*", "any", "never"
"""What is written for no rule at all."""


def _quota(window: str) -> Any:
    return options.option("USD", f"What it may spend {window}; 0: no such quota.", "Write 0 for no such quota.")


def _limit(what: str) -> Any:
    return typer.Option(metavar="N", min=0, show_default=False, help=f"{what}; 0: the guard's default.")


def _strict(flag: str) -> Any:
    return typer.Option(flag, help="Refuse a request rather than leave out what a provider cannot be told.")


Models = Annotated[
    str | None,
    options.option(
        "A,B",
        "Models it may use: provider/model, bare names, or patterns (openai/*); '*' for all.",
        "Write '*' for all models.",
    ),
]
Ips = Annotated[
    str | None,
    options.option("A,B", "Addresses or CIDR blocks it may be used from, or `any`.", "Write `any` for all addresses."),
]
Rpm = Annotated[int | None, _limit("Requests per minute")]
Tpm = Annotated[int | None, _limit("Tokens per minute")]
Concurrency = Annotated[int | None, _limit("Requests at the same time")]
Expires = Annotated[
    str | None,
    options.option(
        "WHEN",
        "A duration from now (30d, 12h), an ISO date (2027-01-31), or `never`.",
        "Write `never` for a key that stays valid.",
    ),
]
AccountId = Annotated[
    str | None,
    options.option("ID", "Account that pays, by id or name; a new key has `default`, which is not limited."),
]
Group = Annotated[str | None, options.option("G", "Group of the settings, whose margin prices get.")]
QuotaUsd = Annotated[str | None, _quota("in all")]
Quota5hUsd = Annotated[str | None, _quota("in any 5 hours")]
QuotaDayUsd = Annotated[str | None, _quota("in any 24 hours")]
QuotaWeekUsd = Annotated[str | None, _quota("in any 7 days")]
QuotaMonthUsd = Annotated[str | None, _quota("in a calendar month, UTC")]


@keys.command("create", short_help="Create a key and print it, this once.")
def keys_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for; shown in lists.")],
    models: Models = None,
    ips: Ips = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    concurrency: Concurrency = None,
    expires: Expires = None,
    strict: Annotated[bool, _strict("--strict")] = False,
    account: AccountId = None,
    group: Group = None,
    quota_usd: QuotaUsd = None,
    quota_5h_usd: Quota5hUsd = None,
    quota_day_usd: QuotaDayUsd = None,
    quota_week_usd: QuotaWeekUsd = None,
    quota_month_usd: QuotaMonthUsd = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Create an API key and print it: it is shown this once, only its hash is stored.

    Limits that are not given, or 0, are those of the default guard.
    """
    from fastgw.app import commands_keys as commands  # noqa: PLC0415

    rules = commands.KeyRules(
        models=_models(models),
        ips=_ips(ips),
        rpm=rpm,
        tpm=tpm,
        concurrency=concurrency,
        expires_at_s=_expiry(expires),
        strict=strict,
        account=account,
        group=group,
        quotas=_quotas(quota_usd, quota_5h_usd, quota_day_usd, quota_week_usd, quota_month_usd),
    )
    settings = options.settings(config, data_dir, running=True)
    return commands.create_key(settings, name, rules, source=options.source(config), as_json=as_json)


@keys.command("update", short_help="Change what a key may do.")
def keys_update(
    key_id: KeyId,
    name: Annotated[str | None, options.option("NAME", "What the key is for.")] = None,
    models: Models = None,
    ips: Ips = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    concurrency: Concurrency = None,
    expires: Expires = None,
    strict: Annotated[bool | None, _strict("--strict/--lenient")] = None,
    account: AccountId = None,
    group: Group = None,
    no_group: Annotated[bool, typer.Option("--no-group", help="Take it out of its group.")] = False,
    quota_usd: QuotaUsd = None,
    quota_5h_usd: Quota5hUsd = None,
    quota_day_usd: QuotaDayUsd = None,
    quota_week_usd: QuotaWeekUsd = None,
    quota_month_usd: QuotaMonthUsd = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Change what a key may do; what is not named stays. A running gateway knows within a second.

    What was spent before counts against a new quota. Requests that run are not changed.
    """
    from fastgw.app import commands_keys as commands  # noqa: PLC0415

    rules = commands.KeyRules(
        name=name,
        models=_models(models),
        ips=_ips(ips),
        rpm=rpm,
        tpm=tpm,
        concurrency=concurrency,
        expires_at_s=_expiry(expires),
        strict=strict,
        account=account,
        group="" if no_group else group,
        quotas=_quotas(quota_usd, quota_5h_usd, quota_day_usd, quota_week_usd, quota_month_usd),
    )
    if rules == commands.KeyRules():
        raise typer.BadParameter("There is nothing to change. Say what, like --quota-usd 20.")
    settings = options.settings(config, data_dir, running=True)
    return commands.update_key(settings, key_id, rules, source=options.source(config), as_json=as_json)


def _models(given: str | None) -> tuple[str, ...] | None:
    return None if given is None else options.names(given, everything=ALL_MODELS)


def _ips(given: str | None) -> tuple[str, ...] | None:
    return None if given is None else options.names(given, everything=ANY_IP)


def _expiry(given: str | None) -> int | None:
    return 0 if given == NEVER else None if given is None else options.when(given)


def _quotas(*given: str | None) -> dict[str, int]:
    """Those that were given, by the names of `Quotas`; in the order of its fields."""
    names = ("total_nano", "h5_nano", "d1_nano", "d7_nano", "month_nano")
    return {name: options.amount(text) for name, text in zip(names, given, strict=True) if text is not None}


@keys.command("show", short_help="Show one key.")
def keys_show(key_id: KeyId, config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Show a key: what it may do, what it has spent, and of its quotas how much is left until when."""
    from fastgw.app import commands_keys_shown as commands  # noqa: PLC0415

    return commands.show_key(options.settings(config, data_dir, running=True), key_id, as_json=as_json)


@keys.command("list", short_help="List all keys.")
def keys_list(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List all keys, revoked and expired ones included."""
    from fastgw.app import commands_keys_shown as commands  # noqa: PLC0415

    return commands.list_keys(options.settings(config, data_dir), as_json=as_json)


@keys.command("revoke", short_help="Revoke a key for good.")
def keys_revoke(key_id: KeyId, config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Revoke a key for good. A running gateway refuses it within a second; requests that run already finish."""
    from fastgw.app import commands_keys as commands  # noqa: PLC0415

    return commands.revoke_key(options.settings(config, data_dir, running=True), key_id, as_json=as_json)
