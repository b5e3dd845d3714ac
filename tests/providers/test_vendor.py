"""What goes out to each vendor: URL and headers, with a key that is none."""

import pytest

from fastgw.dataplane.routing.catalog import Catalog
from fastgw.protocols.hub.target import Abilities
from fastgw.providers import VENDORS, Vendor
from fastgw.providers.endpoint import STANDARD
from fastgw.providers.vendor import Rule, split_url
from fastgw.settings import load

KEY = "key-0"
BEARER = [(b"authorization", b"Bearer key-0")]
VERSION = (b"anthropic-version", b"2023-06-01")
GOLDEN = {
    "openai": ("https://api.openai.com", b"/v1/chat/completions", BEARER),
    "anthropic": ("https://api.anthropic.com", b"/v1/chat/completions", [*BEARER, VERSION]),
    "gemini": ("https://generativelanguage.googleapis.com", b"/v1beta/openai/chat/completions", BEARER),
    "deepseek": ("https://api.deepseek.com", b"/v1/chat/completions", BEARER),
    "xai": ("https://api.x.ai", b"/v1/chat/completions", BEARER),
    "dashscope": ("https://dashscope.aliyuncs.com", b"/compatible-mode/v1/chat/completions", BEARER),
    "zhipu": ("https://open.bigmodel.cn", b"/api/paas/v4/chat/completions", BEARER),
    "minimax": ("https://api.minimax.io", b"/v1/chat/completions", BEARER),
    "moonshot": ("https://api.moonshot.ai", b"/v1/chat/completions", BEARER),
    "mimo": ("https://api.xiaomimimo.com", b"/v1/chat/completions", BEARER),
    "ark": ("https://ark.cn-beijing.volces.com", b"/api/v3/chat/completions", BEARER),
    "openrouter": ("https://openrouter.ai", b"/api/v1/chat/completions", BEARER),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_request_of_each_vendor(name: str) -> None:
    settings = load({f"{VENDORS[name].env_prefix}_API_KEY": KEY}, None, VENDORS)
    (candidate,) = Catalog.build(settings, {name: ["m"]}).resolve(f"{name}/m")
    origin, path, headers = GOLDEN[name]
    assert (candidate.origin, candidate.path, list(candidate.headers)) == (origin, path, headers)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_base_url_can_be_changed(name: str) -> None:
    prefix = VENDORS[name].env_prefix
    settings = load({f"{prefix}_API_KEY": KEY, f"{prefix}_BASE_URL": "HTTP://LocalHost:80/x/"}, None, VENDORS)
    (candidate,) = Catalog.build(settings, {name: ["m"]}).resolve("m")
    assert (candidate.origin, candidate.path) == ("http://localhost", b"/x/chat/completions")


def test_every_vendor_is_covered() -> None:
    without_chat = {name for name, vendor in VENDORS.items() if not vendor.endpoints}
    assert without_chat == {"kling"}
    assert {*GOLDEN, *without_chat, "sandbox", "openai_compatible"} == set(VENDORS)


def test_a_vendor_without_chat_serves_no_chat_model() -> None:
    settings = load({"KLING_API_KEY": KEY}, None, VENDORS)
    assert [provider.name for provider in settings.providers] == ["kling"]
    assert Catalog.build(settings, {"kling": ["kling-v2"]}).resolve("kling/kling-v2") == ()


def test_how_models_are_listed() -> None:
    openai = VENDORS["openai"].models_request("https://api.openai.com/v1", KEY)
    assert openai == ("https://api.openai.com/v1/models", tuple(BEARER))
    url, headers = VENDORS["anthropic"].models_request("https://api.anthropic.com/v1", KEY)
    assert url == "https://api.anthropic.com/v1/models?limit=1000"
    assert headers == ((b"x-api-key", b"key-0"), VERSION)
    assert VENDORS["sandbox"].models_request("http://127.0.0.1:1/v1", "") == ("http://127.0.0.1:1/v1/models", ())


def test_names_in_the_vendors_own_lists_lose_their_prefix() -> None:
    settings = load({"GEMINI_API_KEY": KEY}, None, VENDORS)
    (candidate,) = Catalog.build(settings, {"gemini": ["models/gemini-9"]}).resolve("gemini-9")
    assert candidate.public_model == "gemini/gemini-9"


def test_other_styles_of_credentials() -> None:
    vendor = Vendor(name="x", title="X", base_url="", source="", credential="x-goog-api-key", headers={"a": "b"})
    assert vendor.request_headers("k") == ((b"x-goog-api-key", b"k"), (b"a", b"b"))
    assert vendor.request_headers("") == ((b"a", b"b"),)


@pytest.mark.parametrize(
    ("url", "split"),
    [
        ("https://Host", ("https://host", "")),
        ("https://h:443/v1/", ("https://h", "/v1")),
        ("http://h:443/v1", ("http://h:443", "/v1")),
        ("http://[::1]:8000/a/b", ("http://[::1]:8000", "/a/b")),
    ],
)
def test_split_url(url: str, split: tuple[str, str]) -> None:
    assert split_url(url) == split


def test_each_vendor_says_where_its_url_comes_from() -> None:
    for vendor in VENDORS.values():
        assert vendor.source
        assert vendor.base_url == vendor.base_url.rstrip("/")


RULED = Vendor(
    name="x",
    title="X",
    base_url="",
    source="",
    endpoints={"chat": STANDARD["chat"], "messages": STANDARD["messages"]},
    credential="x-api-key",
    signer="sigv4",
    abilities=Abilities(cache_key=True),
    rules=(
        Rule("big-*|*:large", {"stop_max": 2, "cache_key": False}),
        Rule("big-1*", {"stop_max": 3}, dialect="chat"),
        Rule("BIG-2", speaks=("messages",), family="anthropic"),
    ),
)


def test_the_last_rule_that_fits_wins_and_the_setting_above_all() -> None:
    assert RULED.target("small", "chat").abilities == Abilities(cache_key=True)
    assert RULED.target("m:large", "chat").abilities == Abilities(stop_max=2)
    assert RULED.target("big-17", "chat").abilities == Abilities(stop_max=3)
    assert RULED.target("big-17", "messages").abilities == Abilities(stop_max=2)
    assert RULED.target("big-17", "chat", {"stop_max": 9}).abilities == Abilities(stop_max=9)


def test_a_target_names_its_lane() -> None:
    target = RULED.target("big-2", "messages")
    assert (target.model, target.dialect, target.vendor, target.family) == ("big-2", "messages", "x", "anthropic")
    assert RULED.target("big-3", "chat").family == "x"


def test_where_a_model_is_reached() -> None:
    assert list(RULED.spoken("small")) == ["chat", "messages"]
    assert list(RULED.spoken("big-2")) == ["messages"]
    assert RULED.spoken("big-2", ["responses", "chat"]) == {
        "responses": STANDARD["responses"],
        "chat": STANDARD["chat"],
    }


def test_a_secret_that_signs_is_not_sent() -> None:
    assert RULED.request_headers("key") == ((b"x-api-key", b"key"),)
    assert RULED.request_headers("AKIDEXAMPLE000000000:wJalrXUtnFEMI/K7MDENG", "messages") == (VERSION,)
