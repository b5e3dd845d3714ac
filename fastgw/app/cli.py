"""The command line: verbs, options and help texts. What the verbs do is in `commands`, loaded by the verb that runs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from fastgw import __version__
from fastgw.app import output, start
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
keys = typer.Typer(
    help="Create, list and revoke API keys, also while the gateway runs: a change reaches it within a second.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(keys, name="keys", short_help="Create, list and revoke API keys.")

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="TOML file with settings; else FASTGW_CONFIG or CONFIG."),
]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", "-d", metavar="DIR", help="Data folder; else FASTGW_DATA_DIR or DATA_DIR, else .fastgw"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result, and errors, as one line of JSON.")]


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

    given = {"listen.host": host, "listen.port": _text(port), "listen.workers": _text(workers)}
    settings = start.settings(config, given | _folder(data_dir))
    return supervisor.run(settings)


@app.command(short_help="Run the keeper alone, beside workers elsewhere.")
def keeper(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Run the keeper alone: it drains journals into the database and mirrors keys. `serve` starts one by itself."""
    from fastgw.app import keeper as process  # noqa: PLC0415

    settings = _settings(config, data_dir, running=True)
    if not settings.stores.redis_url:
        raise StartupError("There is no store to mirror keys to. Set FASTGW_REDIS_URL, or run `fastgw serve` instead.")
    return process.main(settings, None)


@app.command(short_help="Bring the database's schema up to date.")
def migrate(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Bring the database's schema up to date. `serve` and `keeper` do it by themselves; safe to run at any time."""
    from fastgw.app import commands  # noqa: PLC0415

    return commands.migrate_schema(_settings(config, data_dir), as_json=as_json)


@app.command(short_help="Check the configuration; start nothing.")
def check(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """Check the configuration and report each mistake with file, line and remedy. Starts and changes nothing."""
    found = start.mistakes(config, _folder(data_dir))
    if as_json:
        output.result({"ok": not found, "mistakes": [output.mistake(one) for one in found]})
    elif not found:
        output.line("The configuration is right.")
    for one in () if as_json else found:
        sys.stderr.write(f"{one}\n")
    return output.MISUSED if found else output.DONE


@app.command(short_help="Show requests and tokens, by model or key.")
def usage(
    since: Annotated[
        str, typer.Option(metavar="WHEN", help="Count from then on: a duration back (30m, 24h, 7d) or an ISO date.")
    ] = "",
    by: Annotated[str, typer.Option(metavar="model|key", help="What the table lists; JSON has both.")] = "model",
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Show what was used: requests and tokens, in total and by model or key. Rows come seconds after their answers."""
    from fastgw.app import commands  # noqa: PLC0415

    if by not in {"model", "key"}:
        raise typer.BadParameter(f"--by is model or key, not {by!r}.")
    since_ms = _when(since, past=True) * 1000
    return commands.usage(_settings(config, data_dir), since_ms=since_ms, by=by, as_json=as_json)


@app.command(short_help="List the models that requests may name.")
def models(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List the models that requests may name: of the catalogue, the configuration, and the lists of providers."""
    from fastgw.app import commands  # noqa: PLC0415

    return commands.models(_settings(config, data_dir, running=True), as_json=as_json)


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
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Create an API key and print it: it is shown this once, only its hash is stored.

    Limits that are not given, or 0, are those of the default guard.
    """
    from fastgw.app import commands  # noqa: PLC0415

    asked = commands.NewKey(
        name=name,
        models=_list(models),
        ips=_list(ips),
        rpm=rpm,
        tpm=tpm,
        concurrency=concurrency,
        expires_at_s=_when(expires, past=False),
        strict=strict,
    )
    return commands.create_key(_settings(config, data_dir, running=True), asked, as_json=as_json)


@keys.command("list", short_help="List all keys.")
def keys_list(config: Config = None, data_dir: DataDir = None, as_json: AsJson = False) -> int:
    """List all keys, revoked and expired ones included."""
    from fastgw.app import commands  # noqa: PLC0415

    return commands.list_keys(_settings(config, data_dir), as_json=as_json)


@keys.command("revoke", short_help="Revoke a key for good.")
def keys_revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `fastgw keys list` shows it.")],
    config: Config = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> int:
    """Revoke a key for good. A running gateway refuses it within a second; requests that run already finish."""
    from fastgw.app import commands  # noqa: PLC0415

    return commands.revoke_key(_settings(config, data_dir, running=True), key_id, as_json=as_json)


def _settings(config: Path | None, data_dir: Path | None, *, running: bool = False) -> Any:
    return start.settings(config, _folder(data_dir), find_store=running)


def _folder(data_dir: Path | None) -> dict[str, str | None]:
    return {"stores.data_dir": _text(data_dir)}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _when(text: str, *, past: bool) -> int:
    from fastgw.app import moments  # noqa: PLC0415

    try:
        return moments.parse(text, past=past)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
