"""`fastgw prices show`: where a price is from, since when it holds, and models that nobody knows the price of."""

import pytest

from fastgw.settings.prices import Price
from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.prices import PriceOverrides
from tests.fakes.shell import Inside

CONFIG = """
[[providers]]
name = "local"
base_url = "http://127.0.0.1:1/v1"
models = ["written", "set", "unknown"]
list_models = false

[prices."local/written"]
input = 1_000_000_000
output = 2_000_000_000

[[prices."local/written".changes]]
from = 2099-01-01
input = 3_000_000_000
output = 4_000_000_000
"""


@pytest.fixture
def priced(desk: Inside) -> Inside:
    """Three models: a price in the file, one of the admin API, and one without."""
    (desk.folder / "gateway.toml").write_text(CONFIG)
    desk.environ["FASTGW_CONFIG"] = str(desk.folder / "gateway.toml")
    desk.told("migrate")
    engine = open_engine(f"sqlite:///{desk.folder / 'data' / 'fastgw.db'}")
    PriceOverrides(engine).put("local/set", Price(input=5_000_000_000, output=6_000_000_000), 1)
    engine.dispose()
    return desk


def test_a_price_of_the_configuration_is_shown_with_its_days(priced: Inside) -> None:
    (told,) = priced.told("prices", "show", "written")["prices"]
    assert (told["model"], told["priced"], told["source"]) == ("local/written", True, "configuration")
    assert [(one["in_text"], one["out_text"]) for one in told["tariffs"]] == [
        (1_000_000_000, 2_000_000_000),
        (3_000_000_000, 4_000_000_000),
    ]
    text = priced.run("prices", "show", "written").stdout
    assert "since always (now)" in text
    assert "since 2099-01-01 00:00 (later)" in text


def test_a_price_of_the_admin_api_says_so(priced: Inside) -> None:
    (told,) = priced.told("prices", "show", "local/set")["prices"]
    assert told["source"] == "admin"
    assert told["tariffs"][0]["out_text"] == 6_000_000_000


def test_a_price_of_the_shipped_book_says_so(priced: Inside) -> None:
    priced.environ["OPENAI_API_KEY"] = "sk-test"
    (told,) = priced.told("prices", "show", "gpt-5")["prices"]
    assert (told["model"], told["source"]) == ("openai/gpt-5", "book")
    assert told["tariffs"][0]["in_text"] > 0


def test_a_model_without_a_price_and_one_that_is_not_there(priced: Inside) -> None:
    (told,) = priced.told("prices", "show", "unknown")["prices"]
    assert (told["priced"], told["source"], told["tariffs"]) == (False, None, [])
    assert "nobody knows its price" in priced.run("prices", "show", "unknown").stdout
    done = priced.run("prices", "show", "nonesuch")
    assert done.returncode == 1
    assert "nonesuch" in done.stderr
    assert "No configuration file was named" in priced.run("prices", "show", "nonesuch", FASTGW_CONFIG="").stderr


def test_who_could_have_a_model_is_told_where_nobody_has_it(desk: Inside) -> None:
    done = desk.run("prices", "show", "gpt-5")
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr
    assert "ANTHROPIC" not in done.stderr
    assert "ANTHROPIC_API_KEY" in desk.run("prices", "show", "anthropic/claude-new").stderr


def test_a_price_that_is_unknown_says_where_the_settings_are_from(desk: Inside) -> None:
    text = desk.run("prices", "show", "sandbox/echo").stdout
    assert "nobody knows its price" in text
    assert '[prices."sandbox/echo"]' in text
    assert "No configuration file was named" in text


def test_the_price_of_an_alias_is_headed_by_its_name(priced: Inside) -> None:
    more = '[[models]]\nname = "dated"\ntargets = ["local/written"]\n[prices.dated]\ninput = 7\noutput = 8\n'
    (priced.folder / "gateway.toml").write_text(CONFIG + more)
    alias = priced.run("prices", "show", "dated").stdout
    assert alias.startswith("dated (local/written): USD per million, from the configuration\n")
    assert priced.run("prices", "show", "local/written").stdout.startswith("local/written: USD per million")
    assert priced.told("prices", "show", "dated")["prices"][0]["model"] == "local/written"


def test_a_price_that_only_begins_later_says_that_there_is_none_now(priced: Inside) -> None:
    (priced.folder / "gateway.toml").write_text(CONFIG + '[prices."local/unknown"]\nfrom = 2099-01-01\ninput = 7\n')
    assert "No price holds now" in priced.run("prices", "show", "unknown").stdout
    assert "No price holds now" not in priced.run("prices", "show", "written").stdout
