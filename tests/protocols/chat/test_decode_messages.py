"""Messages of callers as turns: every role, every part, every carrier of reasoning."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Document,
    Image,
    Opaque,
    Part,
    Refused,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.chat.ask import decoded


def turns(*messages: dict[str, Any]) -> tuple[Turn, ...]:
    conversation, losses = decoded(messages=list(messages))
    assert losses == ()
    return conversation.turns


def parts(**message: Any) -> tuple[Part, ...]:
    return turns({"role": "assistant", **message})[0].parts


def test_roles_stay_where_they_are() -> None:
    said = [(role, "x") for role in ("developer", "user", "system", "assistant", "developer", "user")]
    assert [(t.role, t.parts, t.plain) for t in turns(*({"role": r, "content": c} for r, c in said))] == [
        (role, (Text("x"),), True) for role, _ in said
    ]


def test_a_participants_name_is_kept() -> None:
    assert turns({"role": "user", "content": "x", "name": "ann"})[0].name == "ann"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "x"}, Text("x")),
        ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, Text("x", Cache("1h"))),
        ({"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit"}}, Text("x", Cache())),
        ({"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
         Image(Source(url="https://a/b.png"), "low")),
        ({"type": "image_url", "image_url": "https://a/b.png"}, Image(Source(url="https://a/b.png"))),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}, "cache_control": {"type": "e"}},
         Image(Source("image/png", data="AAAA"), cache=Cache())),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
         Audio(Source("audio/mpeg", data="AAAA"))),
        ({"type": "input_audio", "input_audio": {"data": "https://a/b.wav"}}, Audio(Source(url="https://a/b.wav"))),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
         Document(Source("application/pdf", data="AAAA"), "a.pdf")),
        ({"type": "file", "file": {"file_data": "JVBERi0x"}}, Document(Source(data="JVBERi0x"))),
        ({"type": "file", "file": {"file_id": "file-1"}}, Document(Source(file_id="file-1"))),
        ({"type": "file", "file": {"file_id": "https://a/b.pdf", "format": "application/pdf"}},
         Document(Source(url="https://a/b.pdf"))),
        ({"type": "video_url", "video_url": {"url": "https://a/b.mp4"}}, Video(Source(url="https://a/b.mp4"))),
        ({"type": "refusal", "refusal": "no"}, Refused("no")),
    ],
)  # fmt: skip
def test_parts(part: dict[str, Any], expected: Part) -> None:
    turn = turns({"role": "user", "content": [part]})[0]
    assert (turn.parts, turn.plain) == ((expected,), False)


def test_calls_of_both_kinds() -> None:
    function = {"id": "a", "type": "function", "index": 0, "function": {"name": "f", "arguments": '{"x": 1.0}'}}
    custom = {"id": "b", "type": "custom", "custom": {"name": "c", "input": "free"}}
    assert parts(content="t", tool_calls=[function, custom]) == (
        Text("t"), ToolCall("a", "f", '{"x": 1.0}'), ToolCall("b", "c", "free", custom=True),
    )  # fmt: skip


def test_arguments_as_an_object_stay_its_own_text() -> None:
    (call,) = parts(tool_calls=[{"id": "a", "function": {"name": "f", "arguments": {"z": 1, "a": 1.50}}}])
    assert isinstance(call, ToolCall) and call.arguments == '{"z":1,"a":1.5}'


def test_a_tools_answer_as_text_and_as_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://a/b"}}
    plain, rich = turns(
        {"role": "tool", "tool_call_id": "a", "content": "r"},
        {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "r"}, image]},
    )
    assert plain == Turn("tool", (ToolResult("a", (Text("r"),)),), plain=True)
    assert rich.parts == (ToolResult("b", (Text("r"), Image(Source(url="https://a/b")))),)


def test_the_answer_of_a_custom_tool_is_known_by_its_call() -> None:
    call = {"id": "a", "type": "custom", "custom": {"name": "c", "input": ""}}
    results = [{"role": "tool", "tool_call_id": one, "content": "r"} for one in ("a", "b")]
    _, custom, function = turns({"role": "assistant", "tool_calls": [call]}, *results)
    assert [part.custom for t in (custom, function) for part in t.parts if isinstance(part, ToolResult)] == [
        True,
        False,
    ]


def test_old_functions_get_ids_that_match() -> None:
    calls = turns(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "2"},
    )
    ids = [part.id if isinstance(part, ToolCall) else part.call_id for t in calls for part in t.parts]  # type: ignore[union-attr]
    assert ids[0] == ids[1] != ids[2] == ids[3]


def test_refusal_sound_and_pictures_of_an_earlier_answer() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    assert parts(content=None, refusal="no", audio={"id": "audio_1"}, images=[image]) == (
        Refused("no"), Opaque("chat", "audio", '{"id":"audio_1"}', "messages[0].audio"),
        Image(Source("image/png", data="AAAA")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("carrier", "expected"),
    [
        ({"reasoning_content": "hm"}, Thought("hm")),
        ({"reasoning_content": ""}, Thought("")),
        ({"reasoning": "hm"}, Thought("hm")),
        ({"reasoning": "hm", "reasoning_signature": "s"}, Thought("hm", Sealed("chat", "s"))),
        ({"reasoning_content": "hm", "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "fgw1.anthropic.s"}]},
         Thought("hm", Sealed("anthropic", "s"))),
        ({"thinking_blocks": [{"type": "redacted_thinking", "data": "fgw1.anthropic.s"}]},
         Thought("", Sealed("anthropic", "s"), redacted=True)),
        ({"reasoning_content": "hm", "reasoning_details": [
            {"type": "reasoning.text", "text": "hm", "signature": "fgw1.anthropic.s", "index": 0}]},
         Thought("hm", Sealed("anthropic", "s"))),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s", "format": "f"}]},
         Thought("hm", Sealed("chat", '{"type":"reasoning.text","signature":"s","format":"f"}'))),
    ],
)  # fmt: skip
def test_reasoning_is_taken_from_its_richest_carrier(carrier: dict[str, Any], expected: Thought) -> None:
    assert parts(content="t", **carrier) == (expected, Text("t"))


def test_googles_signatures_on_calls_and_on_text() -> None:
    extra = {"google": {"thought_signature": "s"}}
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}, "extra_content": extra}
    assert parts(content="t", extra_content=extra, tool_calls=[call]) == (
        Text("t", sealed=Sealed("gemini", "s")), ToolCall("a", "f", "{}", sealed=Sealed("gemini", "s")),
    )  # fmt: skip


def test_reasoning_that_a_user_claims_is_left_out() -> None:
    conversation, losses = decoded(messages=[{"role": "user", "content": "x", "reasoning_content": "obey"}])
    assert conversation.turns[0].parts == (Text("x"),)
    assert losses == ("messages[0].reasoning_content",)


def test_a_breakpoint_of_a_message_stands_behind_its_last_part() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    (turn,) = turns({"role": "user", "content": content, "cache_control": {"type": "ephemeral"}})
    assert turn.parts == (Text("a"), Text("b", Cache()))


def test_a_whole_answer_that_a_client_keeps_is_understood() -> None:
    # As the openai package dumps a message, with nulls and all.
    kept = {"role": "assistant", "content": "x", "refusal": None, "annotations": [], "audio": None,
            "function_call": None, "tool_calls": None, "reasoning_content": None,
            "images": [{"index": 0, "type": "image_url", "image_url": {"url": "https://a/b"}}]}  # fmt: skip
    assert turns(kept)[0].parts == (Text("x"), Image(Source(url="https://a/b")))
    cited = {"type": "url_citation", "url_citation": {"url": "https://a"}}
    assert decoded(messages=[kept | {"annotations": [cited]}])[1] == ("messages[0].annotations",)


def test_unknown_fields_are_losses() -> None:
    _, losses = decoded(messages=[{"role": "user", "content": [{"type": "text", "text": "x", "odd": 1}], "more": 2}])
    assert set(losses) == {"messages[0].content[0].odd", "messages[0].more"}


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "alien", "content": "x"}, "messages[0].role"),
        ({"role": "user", "content": 5}, "messages[0].content"),
        ({"role": "user", "content": [{"type": "hologram"}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "file", "file": {}}]}, "messages[0].content[0].file"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": "data:nonsense"}]},
         "messages[0].content[0].image_url.url"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "function", "content": "x"}, "messages[0].name"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "messages[0].tool_calls[0].function"),
    ],
)  # fmt: skip
def test_mistakes_are_named(message: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(messages=[message])
    assert (caught.value.status, caught.value.param) == (400, param)
