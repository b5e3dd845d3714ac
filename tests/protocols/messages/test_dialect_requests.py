"""The laws of the dialect: a request through the hub is itself, every leaf is accounted for, both ends fit the SDK.

The identity law holds but for what is written here; the strategies below make everything else:

- defaults that are said: null fields, `stream: false`, `metadata: {}`, `service_tier: "auto"` stays, an empty list;
- a tool result whose content is a list of one plain text becomes a string, an empty one is left out;
- a document cut into blocks, and a search result, become a text document; `between_tools` becomes `adaptive`;
- neighbours of one role are one message, results go first, blank text goes, a prefill loses its last blanks;
- a fifth breakpoint; ids of calls that do not begin with `toolu_`; fields of blocks and tools that only Anthropic's own
  tools know (`caller`, `defer_loading`, `transformations`), each listed as a loss.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import CallerDialect, FromPath, ProviderDialect
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.messages.dialect import DIALECT
from tests.protocols.messages.lane import WHOLE, heard, lane

CALLER: CallerDialect = DIALECT
PROVIDER: ProviderDialect = DIALECT

WORDS = st.text('abä \n"\\', min_size=1, max_size=6).filter(lambda text: text.strip() == text)
CITED = {
    "type": "page_location", "cited_text": "c", "document_index": 0, "document_title": None, "start_page_number": 1,
    "end_page_number": 2,
}  # fmt: skip
CACHED = st.sampled_from([{}, {}, {}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}])


def blocks(*kinds: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(kinds)


TEXT = st.builds(lambda text: {"type": "text", "text": text}, WORDS)
USER = st.one_of(
    st.builds(lambda one, cache: one | cache, TEXT, CACHED),
    blocks(
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "url", "url": "https://x/y"}, "title": "t", "context": "c"},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"},
         "citations": {"enabled": True}},
        {"type": "container_upload", "file_id": "file_1"},
    ),
)  # fmt: skip
ASSISTANT = st.one_of(
    TEXT,
    blocks(
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "thinking", "thinking": "", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "a", "citations": [CITED]},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
    ),
)
RESULT: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"content": WORDS}),
    st.fixed_dictionaries({"content": st.lists(TEXT, min_size=2, max_size=2), "is_error": st.booleans()}),
)


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Messages as the API wants them: alternating, each call answered at once."""
    turns: list[dict[str, Any]] = []
    calls: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        results = [{"type": "tool_result", "tool_use_id": call} | draw(RESULT) for call in calls]
        rest = draw(st.lists(USER, min_size=not results, max_size=2))
        turns.append({"role": "user", "content": [*results, *rest] if results or number % 2 else draw(WORDS)})
        if draw(st.booleans()):
            turns.append({"role": "system", "content": draw(st.one_of(WORDS, st.lists(TEXT, min_size=1, max_size=2)))})
        calls = [f"toolu_{number}{n}" for n in range(draw(st.integers(0, 2)))]
        used = [{"type": "tool_use", "id": call, "name": "f", "input": {"n": 1.5}} for call in calls]
        turns.append(
            {"role": "assistant", "content": [*draw(st.lists(ASSISTANT, min_size=not used, max_size=2)), *used]}
        )
    return turns if not calls else turns[:-1]


TOOLS = st.lists(
    blocks(
        {"name": "f", "input_schema": {"type": "object", "properties": {"n": {"type": ["number", "null"]}}}},
        {"name": "g", "description": "d", "input_schema": {"type": "object"}, "strict": False},
        {"type": "web_search_20260209", "name": "web_search", "max_uses": 2},
        {"type": "bash_20250124", "name": "bash"},
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda tool: str(tool["name"]),
)
OPTIONAL = {
    "system": st.one_of(WORDS, st.lists(TEXT, min_size=1, max_size=2)),
    "stop_sequences": st.just(["X", "Y"]),
    "stream": st.just(True),
    "temperature": st.sampled_from([0.0, 0.5, 1.0]),
    "top_p": st.just(0.5),
    "top_k": st.just(0),
    "tools": TOOLS,
    "metadata": st.just({"user_id": "u"}),
    "service_tier": st.sampled_from(["auto", "standard_only"]),
    "output_config": st.one_of(
        st.just({"effort": "max"}), st.just({"format": {"type": "json_schema", "schema": {"type": "object"}}})
    ),
    "container": st.just("c"),
    "context_management": st.just({"edits": []}),
}
THINKING = {
    "thinking": blocks(
        {"type": "adaptive"}, {"type": "adaptive", "display": "omitted"}, {"type": "disabled"},
        {"type": "enabled", "budget_tokens": 1_024},
        {"type": "enabled", "budget_tokens": 4_000, "display": "summarized"},
    )
}  # fmt: skip
CHOICES = blocks(
    {"type": "auto"}, {"type": "none"}, {"type": "any"}, {"type": "auto", "disable_parallel_tool_use": True},
    {"type": "any", "disable_parallel_tool_use": False},
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Requests that the API takes."""
    body = {"model": "claude", "max_tokens": 4_096, "messages": draw(histories())}
    body |= draw(st.fixed_dictionaries({}, optional=OPTIONAL))
    if draw(st.booleans()):
        for name in ("temperature", "top_p", "top_k"):
            body.pop(name, None)
        body |= draw(st.fixed_dictionaries(THINKING))
    elif "tools" in body and draw(st.booleans()):
        body["tool_choice"] = draw(CHOICES)
    return body


@settings(max_examples=100, deadline=None)
@given(requests())
def test_a_request_through_the_hub_is_itself(body: dict[str, Any]) -> None:
    conversation, lost = heard(body)
    through = json.loads(DIALECT.encode_request(conversation, WHOLE, losses := Losses()))
    assert (lost, losses.paths) == ((), ("cache_control",) if json.dumps(body).count("cache_control") > 4 else ())
    if not losses:
        assert through == body


def test_schemas_and_arguments_keep_their_bytes() -> None:
    raw = b'{"z": 1.0, "a": {"z":1E2,  "b":[ ]}}'
    schema = raw.replace(b'"z": 1.0', b'"type":"object"')
    body = (
        b'{"model":"m","max_tokens":9,"tools":[{"name":"f","input_schema":' + schema
        + b'}],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use",'
        b'"id":"toolu_1","name":"f","input":' + raw + b'}]},{"role":"user","content":[{"type":"tool_result",'
        b'"tool_use_id":"toolu_1"}]}]}'
    )  # fmt: skip
    losses = Losses()
    conversation = DIALECT.decode_request(toplevel.decode(body, 64), FromPath(), losses)
    sent_ = DIALECT.encode_request(conversation, WHOLE, losses)
    assert raw in sent_
    assert schema in sent_


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]")
    else:
        yield path, value


STRUCTURE = ("model", "type", "role", "id", "tool_use_id")


@settings(max_examples=60, deadline=None)
@given(requests(), st.sampled_from([
    {}, {"reasoning": "budget", "sampling": False},
    {"version": "2026-10-21", "reasoning": "none", "tool_strict": False},
    {"cache_control": False, "web_search": "", "stop_max": 1, "json_schema": "none", "mid_system": False},
]))  # fmt: skip
def test_every_leaf_is_sent_or_listed_or_refused(body: dict[str, Any], abilities: dict[str, Any]) -> None:
    """Each value of a caller comes out somewhere, or its field is among the losses by a prefix of its path."""
    conversation, lost = heard(body)
    losses = Losses()
    try:
        through = json.loads(DIALECT.encode_request(conversation, lane(**abilities), losses))
    except GatewayError:
        return
    found = json.dumps(through)
    listed = (*lost, *losses.paths)
    for path, value in leaves(body):
        name = path.rsplit(".", 1)[-1].split("[")[0]
        gone = any(path.startswith(loss) or loss.rsplit(".", 1)[-1] in path for loss in listed)
        if name not in STRUCTURE and not gone and value not in (None, False):
            assert json.dumps(value) in found or _told(path, value, found), path


def _told(path: str, value: Any, found: str) -> bool:
    """Said in another way: a budget as effort, effort by the nearest word that the lane knows."""
    return path.startswith("thinking.") or (path == "output_config.effort" and '"effort": "xhigh"' in found)


FULL: dict[str, Any] = {
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [
            {"type": "text", "text": "u"},
            {"type": "image", "source": {"type": "url", "url": "https://x"}},
            {"type": "document", "source": {"type": "text", "data": "d"}, "citations": {"enabled": True}},
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "c"}]}},
            {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "f"}]},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "h", "signature": "s"},
            {"type": "redacted_thinking", "data": "r"},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "x"}] * 2},
        ]},
    ],
    "tools": [{"name": "f", "input_schema": {}}],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "adaptive"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    "metadata": {"user_id": "u"},
}  # fmt: skip
FREE = ("input", "input_schema", "schema")
"""Objects whose fields are the caller's own."""


def objects(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for name, inner in value.items():
            if name not in FREE:
                yield from objects(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from objects(inner, f"{path}[{number}]")


@pytest.mark.parametrize("path", [path for path, _ in objects(FULL)])
def test_a_field_that_nobody_knows_is_listed_wherever_it_stands(path: str) -> None:
    body = json.loads(json.dumps(FULL))
    dict(objects(body))[path]["unheard_of"] = 1
    conversation, lost = heard(body)
    if path:
        assert lost == (f"{path[1:]}.unheard_of",)
    else:
        assert set(conversation.same) == {"unheard_of"}


CLAUDE_CODE: dict[str, Any] = {
    "model": "claude-opus-5", "max_tokens": 128_000, "stream": True,
    "thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"},
    "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    "metadata": {"user_id": "{}"},
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.329; cch=00000;"},
        {"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]},
        {"role": "system", "content": "Be brief."},
    ],
    "tools": [{"name": "Bash", "description": "d", "input_schema": {"type": "object"}, "defer_loading": True}],
}  # fmt: skip


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_what_claude_code_sends(version: str) -> None:
    """As recorded of version 2.1.329 (2026-11); only what defers loading a tool has no place in the hub."""
    conversation, lost = heard(CLAUDE_CODE, version)
    assert lost == ("tools[0].defer_loading",)
    losses = Losses()
    through = json.loads(DIALECT.encode_request(conversation, WHOLE, losses))
    tools = [{name: value for name, value in CLAUDE_CODE["tools"][0].items() if name != "defer_loading"}]
    assert through == CLAUDE_CODE | {"model": "claude", "tools": tools}
    target = lane(mid_system=False, reasoning="budget", output_max=64_000)
    older = json.loads(DIALECT.encode_request(conversation, target, losses))
    assert [message["role"] for message in older["messages"]] == ["user"]
    assert older["system"][-1]["text"] == "Be brief."
    assert older["thinking"]["budget_tokens"] == 24_576
    assert losses.paths == ("output_config.effort", "max_tokens")
