"""What goes out to each vendor: URL and headers, with a key that is none."""

from pathlib import Path

import msgspec
import pytest

from fastgw.protocols.hub.sealed import Sealed, tagged, untagged
from fastgw.protocols.hub.target import Abilities
from fastgw.providers import VENDORS, Vendor, registry
from fastgw.providers.endpoint import STANDARD
from fastgw.providers.vendor import Rule, split_url
from fastgw.settings import load

KEY = "key-0"
BEARER = [(b"authorization", b"Bearer key-0")]
GOOGLE = [(b"x-goog-api-key", b"key-0")]
VERSION = (b"anthropic-version", b"2023-06-01")
MORE = {"VERTEX_PROJECT": "p-1", "AZURE_OPENAI_RESOURCE": "res", "BEDROCK_REGION": "eu-west-1"}
"""What some vendors need besides a key."""
VERTEX = "/v1/projects/p-1/locations/global/publishers/google/models/"
GOLDEN = {
    "openai": ("https://api.openai.com", "/v1/responses", "", BEARER),
    "anthropic": ("https://api.anthropic.com", "/v1/messages", "", [(b"x-api-key", b"key-0"), VERSION]),
    "gemini": (
        "https://generativelanguage.googleapis.com",
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        GOOGLE,
    ),
    "vertex": (
        "https://aiplatform.googleapis.com",
        VERTEX + "m:generateContent",
        VERTEX + "m:streamGenerateContent?alt=sse",
        GOOGLE,
    ),
    "azure": ("https://res.openai.azure.com", "/openai/v1/responses", "", [(b"api-key", b"key-0")]),
    "bedrock": (
        "https://bedrock-runtime.eu-west-1.amazonaws.com",
        "/model/m/converse",
        "/model/m/converse-stream",
        BEARER,
    ),
    "deepseek": ("https://api.deepseek.com", "/v1/chat/completions", "", BEARER),
    "xai": ("https://api.x.ai", "/v1/responses", "", BEARER),
    "dashscope": ("https://dashscope.aliyuncs.com", "/compatible-mode/v1/chat/completions", "", BEARER),
    "zhipu": ("https://open.bigmodel.cn", "/api/paas/v4/chat/completions", "", BEARER),
    "minimax": ("https://api.minimax.io", "/anthropic/v1/messages", "", [*BEARER, VERSION]),
    "moonshot": ("https://api.moonshot.ai", "/v1/chat/completions", "", BEARER),
    "mimo": ("https://api.xiaomimimo.com", "/v1/chat/completions", "", BEARER),
    "ark": ("https://ark.cn-beijing.volces.com", "/api/v3/chat/completions", "", BEARER),
    "mistral": ("https://api.mistral.ai", "/v1/chat/completions", "", BEARER),
    "groq": ("https://api.groq.com", "/openai/v1/chat/completions", "", BEARER),
    "openrouter": ("https://openrouter.ai", "/api/v1/chat/completions", "", BEARER),
    "together": ("https://api.together.ai", "/v1/chat/completions", "", BEARER),
}
IN_FILES = {"azure_deployments", "vllm", "ollama", "sandbox", "openai_compatible"}


@pytest.mark.parametrize("name", GOLDEN)
def test_where_and_how_each_vendor_is_asked(name: str) -> None:
    vendor = VENDORS[name]
    (provider,) = load({f"{vendor.env_prefix}_API_KEY": KEY, **MORE}, None, VENDORS).providers
    origin, base_path = split_url(provider.base_url)
    dialect, endpoint = next(iter(vendor.spoken("m").items()))
    unary, stream = endpoint.paths(base_path, "m")
    headers = dict(vendor.request_headers(KEY, dialect))
    want_origin, want_unary, want_stream, want_headers = GOLDEN[name]
    assert (origin, unary.decode(), stream.decode()) == (want_origin, want_unary, want_stream or want_unary)
    assert headers == dict(want_headers)


@pytest.mark.parametrize(
    ("name", "dialect", "path"),
    [
        ("deepseek", "messages", b"/anthropic/v1/messages"),
        ("dashscope", "messages", b"/apps/anthropic/v1/messages"),
        ("zhipu", "messages", b"/api/anthropic/v1/messages"),
        ("moonshot", "messages", b"/anthropic/v1/messages"),
        ("mimo", "messages", b"/anthropic/v1/messages"),
        ("openrouter", "messages", b"/api/v1/messages"),
        ("gemini", "chat", b"/v1beta/openai/chat/completions"),
        ("anthropic", "chat", b"/v1/chat/completions"),
    ],
)
def test_other_dialects_of_a_vendor(name: str, dialect: str, path: bytes) -> None:
    vendor = VENDORS[name]
    base_path = split_url(vendor.base_url)[1]
    assert vendor.endpoints[dialect].paths(base_path, "m")[0] == path


def test_an_older_base_url_of_gemini_still_leads_to_its_own_dialect() -> None:
    assert VENDORS["gemini"].endpoints["gemini"].paths("/v1beta/openai", "m")[0] == b"/v1beta/models/m:generateContent"


def test_the_credential_travels_as_the_endpoint_wants_it() -> None:
    assert VENDORS["gemini"].request_headers(KEY, "chat") == tuple(BEARER)
    assert VENDORS["anthropic"].request_headers(KEY, "chat") == (*BEARER, VERSION)
    assert VENDORS["deepseek"].request_headers(KEY, "messages") == ((b"x-api-key", b"key-0"), VERSION)


def test_classic_azure_names_deployment_and_version_in_the_path() -> None:
    vendor = VENDORS["azure_deployments"]
    assert list(vendor.spoken("gpt-4o")) == ["chat"]
    path = vendor.spoken("gpt-4o")["chat"].paths("/openai", "my gpt", "2024-10-21")[0]
    assert path == b"/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
    assert vendor.takes_api_version
    assert not VENDORS["azure"].takes_api_version


def test_every_vendor_is_covered() -> None:
    without_endpoint = {name for name, vendor in VENDORS.items() if not vendor.endpoints}
    assert without_endpoint == {"kling"}
    assert {*GOLDEN, *without_endpoint, *IN_FILES} == set(VENDORS)


def test_each_vendor_is_a_short_file_of_data() -> None:
    folder = Path(registry.__file__).parent
    long = {name: n for name in VENDORS if (n := len((folder / f"{name}.py").read_text().splitlines())) > 60}
    assert not long


@pytest.mark.parametrize("name", VENDORS)
def test_rules_are_about_fields_and_dialects_that_exist(name: str) -> None:
    vendor = VENDORS[name]
    assert set(vendor.endpoints) <= set(STANDARD)
    for rule in vendor.rules:
        assert rule.dialect in {"", *STANDARD}
        assert set(rule.speaks) <= set(vendor.endpoints)
        for field, value in rule.abilities.items():
            known = msgspec.structs.replace(vendor.abilities, **{field: value})
            if field != "extra":
                assert msgspec.convert(msgspec.to_builtins(known), Abilities) == known, (rule.pattern, field)


LANES = [
    ("anthropic", "claude-opus-5-5", "messages", {"sampling": False, "reasoning": "adaptive", "reasoning_off": False}),
    ("anthropic", "claude-opus-5", "messages", {"sampling": False, "reasoning_off": True, "forced_calls": True}),
    ("anthropic", "claude-opus-4-6", "messages", {"sampling": True, "reasoning": "adaptive", "mid_system": False}),
    ("anthropic", "claude-haiku-4-5-20251001", "messages", {"reasoning": "budget", "json_schema": "native"}),
    ("anthropic", "claude-sonnet-4-20250514", "messages", {"reasoning": "budget", "json_schema": "none"}),
    ("anthropic", "claude-3-5-haiku-latest", "messages", {"reasoning": "none", "temperature_and_top_p": True}),
    ("openrouter", "anthropic/claude-opus-4.7", "messages", {"reasoning": "adaptive"}),
    ("bedrock", "eu.anthropic.claude-opus-4-7-v1:0", "converse", {"reasoning": "adaptive", "cache_control": True}),
    ("bedrock", "amazon.nova-pro-v1:0", "converse", {"reasoning": "none", "cache_control": True}),
    ("vertex", "claude-sonnet-4-5@20250929", "messages", {"model_in_body": False, "reasoning": "budget"}),
    ("vertex", "gemini-3.8-flash", "gemini", {"reasoning": "level", "model_in_body": True}),
    ("gemini", "gemini-2.5-pro", "gemini", {"reasoning": "budget", "budget_max": 32_768, "reasoning_off": False}),
    ("gemini", "gemini-2.5-flash-lite", "gemini", {"budget_min": 512, "reasoning_off": True}),
    ("gemini", "gemini-3-pro-preview", "gemini", {"efforts": ("low", "high"), "signatures_demanded": True}),
    ("gemini", "gemini-2.0-flash", "gemini", {"reasoning": "none", "schema_json": False}),
    ("openai", "gpt-4o-2024-11-20", "chat", {"sampling": True, "reasoning": "none", "logprobs": True}),
    ("openai", "gpt-6.1-sol", "responses", {"sampling": False, "efforts": ("low", "medium", "high", "xhigh", "max")}),
    ("openai", "gpt-5.6-luna", "chat", {"reasoning_off": True, "choices": True, "tool_images": False}),
    ("openai", "gpt-5-chat-latest", "chat", {"sampling": True, "reasoning": "none", "stop_max": 4}),
    ("openai", "o3", "chat", {"stop_max": 0, "efforts": ("low", "medium", "high")}),
    ("deepseek", "deepseek-v4-pro", "chat", {"echo_reasoning": "demanded", "reasoning": "thinking"}),
    ("deepseek", "deepseek-v4-pro", "messages", {"reasoning": "budget"}),
    ("moonshot", "kimi-k3", "chat", {"reasoning": "effort", "efforts": ("low", "high", "max"), "sampling": False}),
    ("moonshot", "kimi-k2.6", "chat", {"reasoning": "thinking", "efforts": ()}),
    ("moonshot", "moonshot-v1-8k", "chat", {"reasoning": "none", "sampling": True}),
    ("zhipu", "glm-5.3", "chat", {"reasoning_off": False, "efforts": ("low", "high", "max")}),
    ("zhipu", "glm-4.7", "chat", {"reasoning_off": True, "efforts": ()}),
    ("minimax", "MiniMax-M2.7", "chat", {"think_tags": True}),
    ("xai", "grok-code-fast-1", "chat", {"reasoning": "none"}),
    ("xai", "grok-4.3", "chat", {"reasoning_off": True, "stop_max": 0}),
    ("groq", "openai/gpt-oss-120b", "chat", {"reasoning": "effort", "names": False}),
]


@pytest.mark.parametrize(("name", "model", "dialect", "expected"), LANES)
def test_what_known_models_take(name: str, model: str, dialect: str, expected: dict[str, object]) -> None:
    abilities = VENDORS[name].target(model, dialect).abilities
    assert {field: getattr(abilities, field) for field in expected} == expected


@pytest.mark.parametrize(
    ("name", "model", "dialects"),
    [
        ("openai", "gpt-6.1-sol", ["responses", "chat", "compact"]),
        ("openai", "gpt-5-pro-2025-10-06", ["responses", "compact"]),
        ("openai", "gpt-4o-audio-preview", ["chat"]),
        ("openai", "gpt-3.5-turbo-instruct", ["completions"]),
        ("anthropic", "claude-opus-5", ["messages"]),
        ("gemini", "gemini-3.8-flash", ["gemini"]),
        ("vertex", "gemini-3.8-flash", ["gemini"]),
        ("vertex", "claude-opus-5", ["messages"]),
        ("minimax", "MiniMax-M3", ["messages", "chat", "responses"]),
        ("minimax", "MiniMax-M1", ["chat"]),
        ("dashscope", "qwen3.7-max", ["chat", "messages"]),
        ("dashscope", "deepseek-v4-pro", ["chat"]),
        ("moonshot", "moonshot-v1-8k", ["chat"]),
        ("groq", "qwen/qwen3-32b", ["chat"]),
    ],
)
def test_in_which_dialects_models_are_reached(name: str, model: str, dialects: list[str]) -> None:
    assert list(VENDORS[name].spoken(model)) == dialects


def test_seals_of_claude_are_good_wherever_it_runs() -> None:
    assert {
        VENDORS["anthropic"].target("claude-opus-5", "messages").family,
        VENDORS["bedrock"].target("us.anthropic.claude-opus-5", "converse").family,
        VENDORS["vertex"].target("claude-opus-5", "messages").family,
    } == {"anthropic"}
    assert VENDORS["vertex"].target("gemini-3.8-flash", "gemini").family == "vertex"
    assert VENDORS["bedrock"].target("amazon.nova-pro-v1:0", "converse").family == "bedrock"


def test_seals_of_servers_of_ones_own_stay_in_the_dialect_that_made_them() -> None:
    """One of them may hand on Gemini, the other Claude: neither can read what the other sealed."""
    server = VENDORS["openai_compatible"]
    families = {dialect: server.target("any", dialect).family for dialect in server.dialects}
    assert len(set(families.values())) == len(families)
    for family in families.values():
        assert untagged(tagged(Sealed(family, "c2VhbA=="), "native"), "native") == Sealed(family, "c2VhbA==")


def test_how_models_are_listed() -> None:
    openai = VENDORS["openai"].models_request("https://api.openai.com/v1", KEY)
    assert openai == ("https://api.openai.com/v1/models", tuple(BEARER))
    url, headers = VENDORS["anthropic"].models_request("https://api.anthropic.com/v1", KEY)
    assert url == "https://api.anthropic.com/v1/models?limit=1000"
    assert headers == ((b"x-api-key", b"key-0"), VERSION)
    url, headers = VENDORS["gemini"].models_request("https://generativelanguage.googleapis.com/v1beta/", KEY)
    assert (url, headers) == ("https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000", tuple(GOOGLE))
    assert VENDORS["sandbox"].models_request("http://127.0.0.1:1/v1", "") == ("http://127.0.0.1:1/v1/models", ())


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
    own = {"stop_max": 9, "efforts": ["low"], "extra": {"a": [1]}}
    told = RULED.target("big-17", "chat", own).abilities
    assert told == Abilities(stop_max=9, efforts=("low",), extra={"a": msgspec.Raw(b"[1]")})


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
