"""The verbs about accounts: `fastgw accounts …`."""

from typing import Annotated

import typer

from fastgw.app import cli_options as options
from fastgw.app.cli_options import AsJson, Config, DataDir

accounts = typer.Typer(
    help="Accounts, which pay for what their keys use; a running gateway knows of a change within a second.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Asked = Annotated[str, typer.Argument(metavar="ID", help="The account's id or name.")]
Note = Annotated[str, typer.Option(metavar="TEXT", help="Kept with it.")]


@accounts.command("create", short_help="Create an account.")
def accounts_create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Unlike that of any other account.")],
    unlimited: Annotated[bool, typer.Option("--unlimited", help="May spend more than its balance.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Create an account and print its id. It is prepaid: nothing runs that its balance cannot pay for."""
    from fastgw.app import commands_accounts as commands  # noqa: PLC0415

    return commands.create_account(options.settings(config, data_dir), name, prepaid=not unlimited, as_json=as_json)


@accounts.command("credit", short_help="Add to an account's balance.")
def accounts_credit(
    asked: Asked,
    amount: Annotated[str, typer.Argument(metavar="USD", help="For example 12.50.")],
    note: Note = "",
    reference: Annotated[
        str | None,
        options.option("TEXT", "Credits the amount once, however often it is said."),
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Add an amount of USD to an account's balance."""
    from fastgw.app import commands_accounts as commands  # noqa: PLC0415

    amount_nano = options.amount(amount, least=1)
    return commands.credit_account(
        options.settings(config, data_dir, running=True),
        asked,
        amount_nano,
        note=note,
        reference=reference or "",
        as_json=as_json,
    )


@accounts.command("debit", short_help="Take from an account's balance.")
def accounts_debit(
    asked: Asked,
    amount: Annotated[str, typer.Argument(metavar="USD", help="For example 12.50.")],
    note: Note = "",
    reference: Annotated[
        str | None,
        options.option("TEXT", "Takes the amount once, however often it is said."),
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Take an amount of USD from an account's balance, to correct a credit. The balance may go below zero."""
    from fastgw.app import commands_accounts as commands  # noqa: PLC0415

    return commands.credit_account(
        options.settings(config, data_dir, running=True),
        asked,
        -options.amount(amount, least=1),
        note=note,
        reference=reference or "",
        as_json=as_json,
    )


@accounts.command("show", short_help="Show one account.")
def accounts_show(asked: Asked, config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Show an account: its balance, what running requests hold of it, its keys, its last credits and payments."""
    from fastgw.app import commands_accounts as commands  # noqa: PLC0415

    return commands.show_account(options.settings(config, data_dir, running=True), asked, as_json=as_json)


@accounts.command("list", short_help="List all accounts.")
def accounts_list(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List all accounts with their balances."""
    from fastgw.app import commands_accounts as commands  # noqa: PLC0415

    return commands.list_accounts(options.settings(config, data_dir), as_json=as_json)


@accounts.command("limit", short_help="Limit an account to its balance.")
def accounts_limit(asked: Asked, config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Limit an account to its balance: from then on nothing runs that it cannot pay for."""
    from fastgw.app import commands_accounts as commands  # noqa: PLC0415

    found = options.settings(config, data_dir, running=True)
    return commands.limit_account(found, asked, prepaid=True, as_json=as_json)


@accounts.command("unlimit", short_help="Let an account spend more than its balance.")
def accounts_unlimit(asked: Asked, config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Let an account spend more than its balance, which may go below zero then."""
    from fastgw.app import commands_accounts as commands  # noqa: PLC0415

    found = options.settings(config, data_dir, running=True)
    return commands.limit_account(found, asked, prepaid=False, as_json=as_json)
