"""Keys are made and changed by what is said of them, and by nothing else; the gateway's side is test_commands_live."""

import pytest

from tests.fakes.shell import Inside

QUOTAS = ("--quota-usd", "--quota-5h-usd", "--quota-day-usd", "--quota-week-usd", "--quota-month-usd")
INSTEAD = {
    "--models": "'*' for all",
    "--ips": "`any` for all",
    "--expires": "`never`",
    "--account": "Leave the option out",
    "--group": "Leave the option out",
    **dict.fromkeys(QUOTAS, "Write 0"),
}


@pytest.fixture
def grouped(desk: Inside) -> Inside:
    (desk.folder / "gateway.toml").write_text("[groups.gold]\nmargin = 2\n")
    desk.environ["FASTGW_CONFIG"] = str(desk.folder / "gateway.toml")
    return desk


@pytest.mark.parametrize("option", INSTEAD)
@pytest.mark.parametrize("text", ["", " ", ","])
def test_an_empty_option_is_refused_and_lifts_no_rule(desk: Inside, option: str, text: str) -> None:
    done = desk.run("keys", "create", "k", option, text)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"'{option}'" in done.stderr and INSTEAD[option] in done.stderr
    assert not (desk.folder / "data").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("accounts", "credit", "default", "1", "--reference", ""),
        ("usage", "--account", ""),
        ("usage", "--since", ""),
        ("payments", "list", "--account", ""),
        ("codes", "create", "--usd", "1", "--expires", ""),
        ("keys", "list", "--data-dir", ""),
        ("keys", "list", "--config", ""),
        ("keys", "update", "key_x", "--models", ""),
    ],
)
def test_an_empty_option_is_refused_by_every_verb(desk: Inside, arguments: tuple[str, ...]) -> None:
    done = desk.run(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"'{arguments[-2]}'" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("accounts", "credit", "default", ""), ("accounts", "debit", "default", ""), ("codes", "create", "--usd", "")],
)
def test_an_empty_amount_is_none(desk: Inside, arguments: tuple[str, ...]) -> None:
    desk.told("keys", "create", "k")
    done = desk.run(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is not an amount" in done.stderr


def test_a_key_is_changed_in_what_is_named_alone(grouped: Inside) -> None:
    rules = ("--models", "a,b", "--ips", "10.0.0.0/8", "--rpm", "60", "--tpm", "9", "--expires", "2h")
    made = grouped.told("keys", "create", "k", *rules, "--group", "gold", "--quota-usd", "5", "--quota-day-usd", "1")
    (before,) = grouped.told("keys", "list")
    ada = grouped.told("accounts", "create", "ada")["id"]

    changed = grouped.told("keys", "update", made["id"], "--rpm", "7", "--quota-day-usd", "2", "--account", "ada")
    assert changed == before | {
        "limits": before["limits"] | {"requests_per_min": 7},
        "quotas": before["quotas"] | {"d1_nano": 2_000_000_000},
        "account_id": ada,
        "epoch": before["epoch"] + 1,
    }
    assert grouped.told("keys", "list") == [changed]

    lifts = ("--models", "*", "--ips", "any", "--expires", "never", "--no-group", "--rpm", "0", "--tpm", "0")
    zeros = ("--quota-usd", "0", "--quota-day-usd", "0", "--strict", "--name", "new")
    free = grouped.told("keys", "update", made["id"], *lifts, *zeros)
    assert (free["models"], free["ips"], free["expires_at_s"], free["group"]) == ([], [], 0, "")
    assert (free["quotas"], free["strict"], free["name"]) == (None, True, "new")
    assert free["limits"]["requests_per_min"] == free["limits"]["tokens_per_min"] == 0
    assert grouped.told("keys", "update", made["id"], "--lenient")["strict"] is False
    assert "is changed" in grouped.run("keys", "update", made["id"], "--rpm", "8").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        ((), 2, "nothing to change"),
        (("--group", "silver"), 1, "no group silver"),
        (("--account", "nobody"), 1, "nobody"),
        (("--ips", "10.0.0.300"), 1, "10.0.0.300"),
        (("--quota-usd", "-1"), 2, "too little"),
        (("--expires", "0d"), 2, "passed"),
    ],
)
def test_what_cannot_be_changes_nothing(grouped: Inside, arguments: tuple[str, ...], code: int, hint: str) -> None:
    made = grouped.told("keys", "create", "k")
    before = grouped.told("keys", "list")
    done = grouped.run("keys", "update", made["id"], *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert hint in done.stderr
    assert grouped.told("keys", "list") == before


def test_a_key_that_is_not_there_or_revoked_is_not_changed(desk: Inside) -> None:
    assert "no key key_x" in desk.run("keys", "update", "key_x", "--rpm", "1").stderr
    made = desk.told("keys", "create", "k")
    revoked = desk.told("keys", "revoke", made["id"])
    done = desk.run("keys", "update", made["id"], "--rpm", "1")
    assert done.returncode == 1
    assert "revoked for good" in done.stderr
    assert desk.told("keys", "list") == [revoked]


def test_a_block_that_counts_as_another_is_told(desk: Inside) -> None:
    made = desk.told("keys", "create", "k", "--ips", "10.0.0.1/8,10.1.2.3,2001:DB8::/32")
    assert made["notes"] == ["--ips: 10.0.0.1/8 counts as 10.0.0.0/8, 16,777,216 addresses."]
    assert "counts as 10.0.0.0/8" in desk.run("keys", "update", made["id"], "--ips", "10.9.9.9/8").stdout
    assert desk.told("keys", "update", made["id"], "--ips", "10.0.0.0/8").get("notes") is None


def test_an_unknown_group_says_where_the_settings_are_from(grouped: Inside) -> None:
    done = grouped.run("keys", "create", "k", "--group", "silver")
    assert f"Settings: {grouped.folder / 'gateway.toml'}" in done.stderr
    done = grouped.run("keys", "create", "k", "--group", "gold", FASTGW_CONFIG="")
    assert done.returncode == 1
    assert "No configuration file was named" in done.stderr
