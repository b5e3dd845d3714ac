"""Fetching over real sockets: no URL, name, redirect or proxy leads inside."""

import pytest

from fastgw.dataplane.upstream.fetch import addresses
from fastgw.settings import hosts
from tests.dataplane.upstream.fetch.world import PNG, World, refusal, serves


async def test_tls_is_checked_against_the_name_though_the_address_is_connected_to(world: World) -> None:
    server = await world.origin(tls=True)
    server.default = serves(PNG)
    world.answers["localhost"] = ["127.0.0.1"]
    fetcher = world.fetcher(f"localhost:{server.port}", f"media.test:{server.port}")
    good = f"https://localhost:{server.port}/"
    assert (await fetcher.fetch_all([good]))[good].media_type == "image/png"
    assert "certificate" in await refusal(fetcher, f"https://media.test:{server.port}/")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost", "[::1]", "inside.test"])
async def test_nothing_inside_is_connected_to(world: World, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    server = await world.origin()
    server.default = serves(PNG)
    monkeypatch.setitem(hosts.WEB_PORTS, "http", server.port)
    message = await refusal(world.fetcher(), f"http://{host}/")
    assert "no public address" in message
    assert not server.connections
    # The same, to show that nothing but the guard stood in the way.
    if host == "inside.test":
        assert await world.fetcher("inside.test").fetch_all(["http://inside.test/"])


async def test_a_name_that_leads_inside_looks_like_one_that_does_not_exist(world: World) -> None:
    def reason(message: str, host: str) -> str:
        return message.replace(host, "…")

    fetcher = world.fetcher()
    inside = reason(await refusal(fetcher, "https://inside.test/"), "inside.test")
    assert inside == reason(await refusal(fetcher, "https://nowhere.invalid/"), "nowhere.invalid")


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await world.origin()
    server.default = serves(PNG)
    monkeypatch.setitem(hosts.WEB_PORTS, "http", server.port)
    monkeypatch.setattr(addresses, "is_public", lambda address: address == "127.0.0.1")
    # 127.0.0.1 plays the public address here, and the next answer is one that nobody may reach.
    world.answers["rebind.test"] = ["127.0.0.1", "127.0.0.2"]
    assert await world.fetcher().fetch_all(["http://rebind.test/"])
    assert world.asked == ["rebind.test"]
    assert "no public address" in await refusal(world.fetcher(), "http://rebind.test/")
    world.answers["rebind.test"] = ["127.0.0.2", "127.0.0.1"]
    assert "no public address" in await refusal(world.fetcher(), "http://rebind.test/")
    assert len(server.exchanges) == 1


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://127.0.0.1:{port}/secret", "ports 80 and 443"),
        ("http://127.0.0.1/secret", "no public address"),
        ("//169.254.169.254/latest/meta-data/", "no public address"),
        ("http://user:password@media.test:{port}/secret", "password"),
        ("file:///etc/passwd", "not valid"),
        ("http://[/", "not valid"),
        ("/again", "more than 3 times"),
        ("", "more than 3 times"),
    ],
)
async def test_each_redirect_is_checked_like_the_first_url(world: World, location: str, why: str) -> None:
    server = await world.origin()
    server.on("/secret", serves(PNG))
    server.default = serves(b"", ("location", location.format(port=server.port)), status=302)
    message = await refusal(world.fetcher(f"media.test:{server.port}"), f"http://media.test:{server.port}/start")
    assert why in message
    assert "169.254" not in message
    assert all(exchange.path in ("/start", "/again") for exchange in server.exchanges)
    assert len(server.exchanges) <= 4


async def test_a_few_redirects_are_followed(world: World) -> None:
    server, other = await world.origin(), await world.origin(tls=True)
    world.answers["localhost"] = ["127.0.0.1"]
    server.on("/1", serves(b"", ("location", "2?x"), status=301))
    server.on("/2", serves(b"", ("location", f"https://localhost:{other.port}/3"), status=307))
    other.on("/3", serves(b"", ("location", "/4"), status=308))
    other.on("/4", serves(PNG))
    fetcher = world.fetcher(f"media.test:{server.port}", f"localhost:{other.port}")
    url = f"http://media.test:{server.port}/1"
    assert (await fetcher.fetch_all([url]))[url].media_type == "image/png"


async def test_the_environment_names_no_proxy_for_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await world.origin()
    server.default = serves(PNG)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert await world.fetcher(f"media.test:{server.port}").fetch_all([f"http://media.test:{server.port}/"])
