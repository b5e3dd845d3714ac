"""The verbs about prices, the ledger and top-ups: `fastgw prices …`, `ledger …`, `codes …`, `payments …`."""

from typing import Annotated

import typer

from fastgw.app import cli_options as options
from fastgw.app.cli_options import AsJson, Config, DataDir

prices = typer.Typer(help="What models cost.", no_args_is_help=True, rich_markup_mode=None)
ledger = typer.Typer(help="The ledger of all balances.", no_args_is_help=True, rich_markup_mode=None)
codes = typer.Typer(
    help="Codes that add to the balance of whoever redeems them.", no_args_is_help=True, rich_markup_mode=None
)
payments = typer.Typer(help="Payments of balances.", no_args_is_help=True, rich_markup_mode=None)


# Groups with a single verb would otherwise be that verb themselves.
@prices.callback()
@ledger.callback()
@payments.callback()
def _group() -> None:
    """Nothing to say without a verb; the help is that of the group."""


@prices.command("show", short_help="Show what a model costs.")
def prices_show(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As requests name it.")],
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Show what a model costs, by unit, context length and day, without any group's margin."""
    from fastgw.app import commands_prices as commands  # noqa: PLC0415

    settings = options.settings(config, data_dir, running=True)
    return commands.show_prices(settings, model, source=options.source(config), as_json=as_json)


@ledger.command("check", short_help="Check that all balances are right.")
def ledger_check(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Check the ledger's invariants and list overages, refunds and chargebacks. Exit code 1 when an invariant fails."""
    from fastgw.app import commands_ledger as commands  # noqa: PLC0415

    return commands.check_ledger(options.settings(config, data_dir), as_json=as_json)


@codes.command("create", short_help="Create redemption codes and print them, this once.")
def codes_create(
    amount: Annotated[str, typer.Option("--usd", metavar="USD", help="What each is worth, for example 12.50.")],
    count: Annotated[int, typer.Option(metavar="K", min=1, max=10_000, help="How many.")] = 1,
    expires: Annotated[
        str | None,
        options.option("WHEN", "A duration from now (30d, 12h) or an ISO date (2027-01-31)."),
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Create redemption codes and print them: they are shown this once, only their hashes are stored."""
    from fastgw.app import commands_topups as commands  # noqa: PLC0415

    return commands.create_codes(
        options.settings(config, data_dir),
        options.amount(amount, least=1),
        count=count,
        expires_at_s=options.when(expires),
        as_json=as_json,
    )


@codes.command("revoke", short_help="Revoke redemption codes.")
def codes_revoke(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code, or how `fastgw codes list` shows it.")],
    batch: Annotated[bool, typer.Option("--batch", help="Also all codes that were made together with it.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Let a code expire at once; nobody can redeem it any more. What was redeemed stays so."""
    from fastgw.app import commands_topups as commands  # noqa: PLC0415

    return commands.revoke_codes(options.settings(config, data_dir), code, batch=batch, as_json=as_json)


@codes.command("list", short_help="List redemption codes.")
def codes_list(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List redemption codes, the newest first; none can be redeemed from what is shown."""
    from fastgw.app import commands_topups as commands  # noqa: PLC0415

    return commands.list_codes(options.settings(config, data_dir), as_json=as_json)


@payments.command("list", short_help="List payments.")
def payments_list(
    account: Annotated[str | None, options.option("ID", "Only those of this account, by id or name.")] = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """List payments, the newest first."""
    from fastgw.app import commands_topups as commands  # noqa: PLC0415

    return commands.list_payments(options.settings(config, data_dir), account or "", as_json=as_json)
