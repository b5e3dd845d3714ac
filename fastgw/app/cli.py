"""The command line: verbs, options and help texts. What the verbs do is in `commands`, loaded by the verb that runs."""

import sys
from typing import Annotated, Any

import typer

from fastgw import __version__
from fastgw.app import cli_options as options
from fastgw.app import output, start
from fastgw.app.cli_accounts import accounts
from fastgw.app.cli_keys import keys
from fastgw.app.cli_money import codes, ledger, payments, prices
from fastgw.app.cli_options import AsJson, Config, DataDir
from fastgw.errors import StartupError

_EPILOG = (
    "Exit codes: 0 done; 1 it could not be done (a port, a folder, a store, an unknown key); 2 the command line or the"
    " configuration is wrong. Errors go to standard error, in one line, or as JSON with --json."
)

app = typer.Typer(
    name="fastgw",
    help="One fast HTTP endpoint in front of every model provider. `fastgw serve` is all that a first start needs.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(keys, name="keys", short_help="Create, show, change and revoke API keys.")
app.add_typer(accounts, name="accounts", short_help="Create, credit and show accounts.")
app.add_typer(prices, name="prices", short_help="Show what a model costs.")
app.add_typer(ledger, name="ledger", short_help="Check that all balances are right.")
app.add_typer(codes, name="codes", short_help="Create and list redemption codes.")
app.add_typer(payments, name="payments", short_help="List payments.")


def run() -> int:
    """Run the command in `sys.argv`. The result is the exit code."""
    as_json = "--json" in sys.argv[1:]
    try:
        code = app(prog_name="fastgw", standalone_mode=False)
    except StartupError as error:
        return output.failure(error, as_json=as_json)
    # Typer brings its own copy of click; both names of it are known by their common base alone.
    except _CLICK_ERROR as error:
        return _misused(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    return code if isinstance(code, int) else output.DONE


def _misused(error: Any, *, as_json: bool) -> int:
    text = error.format_message().strip()
    if text.startswith("Usage:"):
        # A group without a verb: its help is the answer.
        output.line(text)
        return output.MISUSED
    verb = error.ctx.command_path if getattr(error, "ctx", None) is not None else "fastgw"
    output.failure(f"{text.rstrip('.')}. See `{verb} --help`.", as_json=as_json)
    return output.MISUSED


_CLICK_ERROR: type[Any] = typer.BadParameter.__mro__[2]
"""`ClickException`: the base of `UsageError`, which is the base of `BadParameter`."""


def _say_version(asked: bool) -> None:
    if asked:
        output.line(f"fastgw {__version__}")
        raise typer.Exit


@app.callback()
def _any_verb(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What may be said without a verb; the help is that of `app`."""


@app.command(short_help="Start the gateway with everything it needs.")
def serve(
    config: Config = None,
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option("--port", "-p", metavar="N", help="Port (8080); 0 lets the system choose.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", help="Worker processes; 0 means one per core (default).")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Start the gateway: workers, keeper, and what is not configured elsewhere: SQLite, a Valkey, a sandbox provider.

    The first start prints an API key and a request to try. Ctrl-C lets running requests finish; a second one does not.
    A provider needs only its variable, for example OPENAI_API_KEY.
    """
    from fastgw.app import serve as supervisor  # noqa: PLC0415

    given = {"listen.host": host, "listen.port": options.text(port), "listen.workers": options.text(workers)}
    settings = start.settings(config, given | options.folder(data_dir))
    return supervisor.run(settings)


@app.command(short_help="Run the keeper alone, beside workers elsewhere.")
def keeper(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Run the keeper alone: it drains journals into the database and mirrors keys. `serve` starts one by itself."""
    from fastgw.app import keeper as process  # noqa: PLC0415

    settings = options.settings(config, data_dir, running=True)
    if not settings.stores.redis_url:
        raise StartupError("There is no store to mirror keys to. Set FASTGW_REDIS_URL, or run `fastgw serve` instead.")
    return process.main(settings, None)


@app.command(short_help="Bring the database's schema up to date.")
def migrate(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Bring the database's schema up to date. `serve` and `keeper` do it by themselves; safe to run at any time."""
    from fastgw.app import commands  # noqa: PLC0415

    return commands.migrate_schema(options.settings(config, data_dir), as_json=as_json)


@app.command(short_help="Check the configuration; start nothing.")
def check(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Check the configuration and report each mistake with file, line and remedy. Starts and changes nothing.

    What is hardly meant as it is written is a warning, and no mistake.
    """
    found = start.mistakes(config, options.folder(data_dir))
    doubted = start.doubted(config, options.folder(data_dir))
    if as_json:
        told = {"mistakes": found, "warnings": doubted}
        output.result({"ok": not found} | {name: [output.mistake(one) for one in some] for name, some in told.items()})
        return output.MISUSED if found else output.DONE
    for one in found:
        sys.stderr.write(f"{one}\n")
    for one in doubted:
        sys.stderr.write(f"warning: {one}\n")
    if not found:
        output.line("The configuration is right.")
    return output.MISUSED if found else output.DONE


@app.command(short_help="Show requests, tokens and money, by model, key, account or day.")
def usage(
    since: Annotated[
        str | None,
        options.option("WHEN", "Count from then on: a duration back (30m, 24h, 7d) or an ISO date."),
    ] = None,
    by: Annotated[
        str, typer.Option(metavar="model|key|account|day", help="What the table lists; JSON has all.")
    ] = "model",
    account: Annotated[str | None, options.option("ID", "Count only this account, by id or name.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print each exchange as a line of CSV instead.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Show what was used: requests, tokens, what callers paid and what providers took, in total and by model, key,
    account or day. Rows come within a second of their answers."""
    from fastgw.app import commands_usage as commands  # noqa: PLC0415

    if by not in commands.COLUMNS:
        raise typer.BadParameter(f"--by is one of {', '.join(commands.COLUMNS)}, not {by!r}.")
    since_ms = options.when(since, past=True) * 1000
    settings = options.settings(config, data_dir)
    if as_csv:
        return commands.export(settings, since_ms=since_ms, account=account or "")
    return commands.usage(settings, since_ms=since_ms, account=account or "", by=by, as_json=as_json)


@app.command(short_help="List the models that requests may name.")
def models(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List the models that requests may name: of the catalogue, the configuration, and the lists of providers."""
    from fastgw.app import commands  # noqa: PLC0415

    return commands.models(options.settings(config, data_dir, running=True), as_json=as_json)
