"""Settings of a caller's request."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Format, Text, Thinking, Turn
from tests.protocols.messages.lane import heard


def refused(body: dict[str, Any], version: str = "2023-06-01") -> str | None:
    with pytest.raises(GatewayError) as raised:
        heard(body, version)
    assert raised.value.status == 400
    return raised.value.param


def test_settings_are_read() -> None:
    asked, lost = heard(
        {
            "temperature": 0, "top_p": 0.5, "top_k": 3, "stop_sequences": ["a"], "stream": True, "max_tokens": 0,
            "metadata": {"user_id": "u"}, "service_tier": "standard_only",
        }
    )  # fmt: skip
    assert (asked.sampling.temperature, asked.sampling.top_p, asked.sampling.top_k) == (0, 0.5, 3)
    assert (asked.sampling.stop, asked.stream, asked.output_cap) == (("a",), True, 0)
    assert (asked.user, asked.service_tier, asked.same, lost) == ("u", "default", {}, ())


def test_what_only_this_dialect_has_is_kept_apart() -> None:
    own = {"container": "c", "mcp_servers": [], "context_management": {"edits": []}, "speed": "fast", "newer": 1}
    assert set(heard(own)[0].same) == set(own)


def test_unknown_fields_inside_of_known_ones_are_losses() -> None:
    body = {"metadata": {"user_id": "u", "x": 1}, "output_config": {"effort": "low", "task_budget": {"total": 1}}}
    assert heard(body)[1] == ("output_config.task_budget", "metadata.x")


def test_the_system_prompt_is_a_first_turn() -> None:
    assert heard({"system": "be"})[0].turns[0] == Turn("system", (Text("be"),), plain=True)
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert heard({"system": blocks})[0].turns[0] == Turn("system", (Text("a"), Text("b")))
    assert heard({"system": None})[0].turns[0].role == "user"
    assert refused({"system": [{"type": "image", "source": {"type": "url", "url": "https://x"}}]}) == "system"


@pytest.mark.parametrize(
    ("thinking", "config", "read"),
    [
        ({"type": "enabled", "budget_tokens": 2_000}, {}, Thinking("on", budget_tokens=2_000)),
        ({"type": "disabled"}, {}, Thinking("off")),
        ({"type": "adaptive", "display": "omitted"}, {"effort": "max"}, Thinking("adaptive", "max", show=False)),
        ({"type": "adaptive", "display": "summarized"}, {}, Thinking("adaptive", show=True)),
        (None, {"effort": "low"}, Thinking(effort="low")),
        (None, {}, None),
    ],
)
def test_thinking_and_effort_are_one_ask(thinking: Any, config: Any, read: Thinking | None) -> None:
    assert heard({"thinking": thinking, "output_config": config})[0].thinking == read


def test_thinking_between_tools_is_the_models_choice_elsewhere() -> None:
    asked, lost = heard({"thinking": {"type": "between_tools"}})
    assert (asked.thinking, lost) == (Thinking("adaptive"), ("thinking.type",))


def test_a_schema_keeps_its_bytes() -> None:
    asked, _ = heard({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "a": 1.0}}}})
    assert asked.format == Format("json_schema", schema='{"type": "object", "a": 1.0}')


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0]"),
        ({"max_tokens": "1"}, "max_tokens"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "odd"}}, "thinking.type"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"output_config": {"format": {"type": "xml"}}}, "output_config.format.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ],
)
def test_a_mistake_is_named(body: dict[str, Any], param: str) -> None:
    assert refused(body) == param


@pytest.mark.parametrize("name", ["temperature", "top_p", "top_k"])
def test_the_new_version_has_no_sampling(name: str) -> None:
    assert refused({name: 1}, "2026-10-21") == name
    assert heard({name: 1})[0].sampling is not None


def test_the_new_version_refuses_documents_of_the_assistant() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}}
    body = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": [document]}]}
    assert refused(body, "2026-10-21") == "messages[1].content[0]"
    heard(body)
    heard({"messages": [{"role": "user", "content": [document]}]}, "2026-10-21")


def test_the_new_version_refuses_citations_of_the_user() -> None:
    cited = {"type": "text", "text": "x", "citations": [{"type": "char_location", "cited_text": "x"}]}
    found = {"type": "search_result", "source": "s", "title": "t", "content": [cited]}
    for block, where in ((cited, "citations"), (found, "content")):
        body = {"messages": [{"role": "user", "content": [block]}]}
        assert refused(body, "2026-10-21") == f"messages[0].content[0].{where}"
        heard(body)
    heard({"messages": [{"role": "assistant", "content": [cited]}]}, "2026-10-21")
