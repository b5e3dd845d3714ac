"""The verbs of the command line as a shell sees them: output, exit codes, errors; beside a gateway and without one."""

import datetime
import json
import subprocess
import sys

import httpx
import pytest

from fastgw import __version__
from tests.fakes.gateway import PATIENCE_S, ROOT, Gateway
from tests.fakes.shell import Shell


def test_the_version_needs_no_verb(shell: Shell) -> None:
    done = shell.run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"fastgw {__version__}\n", "")
    assert "One fast HTTP endpoint" in shell.run("--help").stdout


def test_the_command_line_loads_no_store_before_a_verb_needs_one() -> None:
    code = "import sys; from fastgw.app import cli; print({'sqlalchemy', 'redis', 'httpx'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_keys_are_created_listed_and_revoked_without_a_gateway(shell: Shell) -> None:
    options = ("--models", "openai/*, echo", "--ips", "10.1.2.3,192.168.0.0/16", "--rpm", "60", "--tpm", "1000")
    made = shell.told("keys", "create", "Ada's laptop", *options, "--concurrency", "4", "--expires", "30d")
    assert made.keys() == {"id", "key"}
    assert made["key"].startswith("sk-fgw-")

    (listed,) = shell.told("keys", "list")
    assert made["key"] not in json.dumps(listed)
    assert listed["id"] == made["id"]
    assert listed["name"] == "Ada's laptop"
    assert listed["models"] == ["openai/*", "echo"]
    assert listed["ips"] == ["10.1.2.3/32", "192.168.0.0/16"]
    assert listed["limits"]["requests_per_min"] == 60
    assert listed["limits"]["tokens_per_min"] == 1000
    assert listed["limits"]["concurrency"] == 4
    assert listed["state"] == "valid"
    in_days = (
        datetime.datetime.fromtimestamp(listed["expires_at_s"]) - datetime.datetime.now()
    ).total_seconds() / 86400
    assert 29.9 < in_days < 30.1

    assert shell.told("keys", "revoke", made["id"])["state"] == "revoked"
    assert "revoked" in shell.run("keys", "list").stdout


def test_a_person_sees_the_key_once_and_a_table(shell: Shell) -> None:
    created = shell.run("keys", "create", "bob").stdout
    key = created.split()[0]
    table = shell.run("keys", "list").stdout
    assert key.startswith("sk-fgw-")
    assert key not in table
    head = "ID KEY NAME STATE EXPIRES ACCOUNT GROUP LIMITS QUOTAS USD MODELS IPS"
    assert table.splitlines()[0].split() == head.split()
    assert "bob" in table


def test_usage_of_a_new_folder_is_nothing(shell: Shell) -> None:
    told = shell.told("usage")
    assert told["totals"]["requests"] == told["totals"]["input_tokens"] == told["totals"]["output_tokens"] == 0
    assert told["by_model"] == []
    assert shell.run("usage", "--by", "key", "--since", "7d").stdout.splitlines()[-1].split()[0] == "total"


def test_a_database_that_was_not_there_is_told_of(shell: Shell) -> None:
    made = shell.run("accounts", "list", "--json")
    assert (made.returncode, made.stdout) == (0, "[]\n")
    assert made.stderr.count("\n") == 1
    assert f"no database in {shell.folder / 'data'};" in made.stderr and "DATA_DIR" in made.stderr
    assert shell.run("accounts", "list").stderr == ""
    failed = shell.run("accounts", "show", "ada", "--data-dir", "other")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "There is no account ada" in failed.stderr and f"no database in {shell.folder / 'other'};" in failed.stderr


def test_migrate_says_whether_it_did_something(shell: Shell) -> None:
    assert shell.told("migrate") == {"migrated": True}
    assert shell.told("migrate") == {"migrated": False}


def test_models_are_known_without_a_gateway(shell: Shell) -> None:
    ids = [model["id"] for model in shell.told("models")]
    assert "sandbox/echo" in ids


def test_a_keeper_without_a_store_says_what_it_needs(shell: Shell) -> None:
    done = shell.run("keeper")
    assert done.returncode == 1
    assert "FASTGW_REDIS_URL" in done.stderr


def test_revoking_an_unknown_key_fails_with_one_line(shell: Shell) -> None:
    done = shell.run("keys", "revoke", "key_0000000000000000")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "There is no key key_0000000000000000" in done.stderr

    as_json = shell.run("keys", "revoke", "key_0000000000000000", "--json")
    assert as_json.returncode == 1
    assert "There is no key" in json.loads(as_json.stderr)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("keys", "crate", "x"), "crate"),
        (("keys", "create"), "NAME"),
        (("keys", "create", "x", "--rpm", "many"), "--rpm"),
        (("keys", "create", "x", "--expires", "soon"), "soon"),
        (("keys", "create", "x", "--expires", "2001-01-01"), "passed"),
        (("usage", "--by", "hour"), "hour"),
        (("serve", "--colour"), "--colour"),
    ],
)
def test_misuse_is_told_in_one_line_with_code_2(shell: Shell, arguments: tuple[str, ...], hint: str) -> None:
    done = shell.run(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert hint in done.stderr
    assert "--help" in done.stderr


def test_a_wrong_address_is_refused(shell: Shell) -> None:
    done = shell.run("keys", "create", "x", "--ips", "10.0.0.300")
    assert done.returncode == 1
    assert "10.0.0.300" in done.stderr


def test_check_reports_every_mistake_with_its_place(shell: Shell) -> None:
    config = shell.folder / "gateway.toml"
    config.write_text('[listen]\nprot = 1\n[[providers]]\nname = "x"\n')
    done = shell.run("check", "--config", str(config))
    assert done.returncode == 2
    assert f"{config}:2: listen.prot" in done.stderr
    assert "port" in done.stderr

    told = json.loads(shell.run("check", "--config", str(config), "--json").stdout)
    assert told["ok"] is False
    assert told["mistakes"][0].keys() == {"file", "line", "key", "message", "remedy"}

    config.write_text("[listen]\nport = 9000\n")
    assert shell.run("check", "--config", str(config)).returncode == 0
    assert shell.told("check", "--config", str(config)) == {"ok": True, "mistakes": [], "warnings": []}

    config.write_text("[prices.gpt-5]\ninput = 1\n")
    done = shell.run("check", "--config", str(config))
    assert (done.returncode, done.stdout) == (0, "The configuration is right.\n")
    assert done.stderr.startswith(f"warning: {config}:1: prices.gpt-5: ")
    (warning,) = shell.told("check", "--config", str(config))["warnings"]
    assert warning.keys() == {"file", "line", "key", "message", "remedy"}


@pytest.mark.parametrize(
    "verb",
    ["serve", "keeper", "migrate", "check", "keys", "keys create", "usage", "models", "accounts credit", "prices show"],
)
def test_help_explains_each_verb(shell: Shell, verb: str) -> None:
    done = shell.run(*verb.split(), "--help")
    assert done.returncode == 0
    assert "Usage: fastgw" in done.stdout or "Usage: python -m fastgw" in done.stdout
    assert len(done.stdout.splitlines()) > 5


def test_help_names_the_verbs_and_the_exit_codes(shell: Shell) -> None:
    text = shell.run("--help").stdout
    for verb in (
        "serve",
        "keeper",
        "migrate",
        "check",
        "keys",
        "usage",
        "models",
        "accounts",
        "prices",
        "ledger",
        "codes",
    ):
        assert f"\n  {verb} " in text
    assert "Exit codes" in text
    assert "worker" not in [line.split()[0] for line in text.splitlines() if line.startswith("  ")]


def test_a_running_gateway_takes_a_new_key_and_refuses_a_revoked_one(gateway: Gateway) -> None:
    def status(key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.get(f"{gateway.base_url}/models", headers=headers, timeout=PATIENCE_S).status_code

    made = json.loads(gateway.cli("keys", "create", "fresh", "--json").stdout)
    assert status(made["key"]) == 200
    gateway.cli("keys", "revoke", made["id"])
    deadline = datetime.datetime.now() + datetime.timedelta(seconds=PATIENCE_S)
    while status(made["key"]) != 401:
        assert datetime.datetime.now() < deadline


def test_models_of_a_running_gateway_are_those_of_its_configuration(gateway: Gateway) -> None:
    ids = [model["id"] for model in json.loads(gateway.cli("models", "--json").stdout)]
    assert {"fake/fake-1", "fake/fake-2"} <= set(ids)
