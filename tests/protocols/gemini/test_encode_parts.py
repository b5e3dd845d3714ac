"""The history as Gemini wants it, each row of what must be right."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.gemini.seals import DUMMY
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Conversation,
    Document,
    Image,
    Opaque,
    Part,
    Refused,
    Role,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.target import Target
from tests.protocols.gemini.kit import TARGET, able, sent, valid_request

PNG = Source("image/png", data="aGk=")
HI = ("user", (Text("hi"),))


def wired(
    *turns: tuple[Role, tuple[Part, ...]], target: Target = TARGET, losses: Losses | None = None, **more: Any
) -> Any:
    asked = Conversation(origin="chat", turns=tuple(Turn(role, parts) for role, parts in turns), **more)
    body = sent(asked, target, losses)
    valid_request(body)
    return body


def contents(*turns: tuple[Role, tuple[Part, ...]], target: Target = TARGET, losses: Losses | None = None) -> Any:
    return wired(*turns, target=target, losses=losses)["contents"]


def test_system_messages_are_hoisted_in_order_as_parts_of_their_own() -> None:
    body = wired(("system", (Text("a"), Text(""))), ("user", (Text("x"),)), ("developer", (Text("b"),)))
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "x"}]}]


def test_the_attribution_of_claude_code_is_left_out() -> None:
    body = wired(("system", (Text("x-anthropic-billing-header: cc_version=1;"), Text("be"))), HI)  # type: ignore[arg-type]
    assert body["systemInstruction"] == {"parts": [{"text": "be"}]}


def test_instructions_alone_are_asked_as_a_user() -> None:
    assert wired(("system", (Text("a"),))) == {"contents": [{"role": "user", "parts": [{"text": "a"}]}]}


def test_neighbours_of_one_role_are_one_content() -> None:
    assert contents(
        ("user", (Text("a"),)), ("user", (Text("b"),)), ("assistant", (Text("c"),)), ("assistant", (Text(""),)),
        ("user", (Text(""),)),
    ) == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "c"}]},
        {"role": "user", "parts": [{"text": " "}]},
    ]  # fmt: skip


def test_results_come_first_and_in_the_order_of_the_calls() -> None:
    made = contents(
        ("assistant", (Text("t"), ToolCall("a", "f", '{"x": 1.0}'), ToolCall("b", "g", ""))),
        ("user", (Text("and?"),)),
        ("tool", (ToolResult("b", (Text("B"),)),)),
        ("tool", (ToolResult("a", (Text('{"t":1}'),)),)),
    )
    assert made == [
        {"role": "model", "parts": [
            {"text": "t"},
            {"functionCall": {"id": "a", "name": "f", "args": {"x": 1.0}}},
            {"functionCall": {"id": "b", "name": "g", "args": {}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "a", "name": "f", "response": {"t": 1}}},
            {"functionResponse": {"id": "b", "name": "g", "response": {"output": "B"}}},
            {"text": "and?"},
        ]},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("result", "response"),
    [
        (ToolResult("a", ()), {}),
        (ToolResult("a", (Text("bad"),), is_error=True), {"error": "bad"}),
        (ToolResult("a", (Text("x"), Text("y"))), {"output": ["x", "y"]}),
        (ToolResult("a", (Text("[1]"),)), {"output": "[1]"}),
        (ToolResult("a", (Text("{broken"),)), {"output": "{broken"}),
        (ToolResult("a", (Text(""),)), {"output": ""}),
        (ToolResult("a", (Text("x"),), raw_object='{"k":1}'), {"k": 1}),
    ],
)
def test_a_response_is_an_object(result: ToolResult, response: Any) -> None:
    (_model, user) = contents(("assistant", (ToolCall("a", "f", "{}"),)), ("user", (result,)))
    assert user["parts"][0]["functionResponse"]["response"] == response


DEEP = '{"a":' * 100_000


@pytest.mark.parametrize(
    ("arguments", "args"),
    [(DEEP, {"_raw": DEEP}), ("", {}), ("[1]", {"_raw": "[1]"}), ('{"a":', {"_raw": '{"a":'}), (' {"a":1} ', {"a": 1})],
)
def test_arguments_are_an_object(arguments: str, args: Any) -> None:
    (model,) = contents(("assistant", (ToolCall("a", "f", arguments),)))
    assert model["parts"][0]["functionCall"]["args"] == args


def test_a_custom_call_is_a_call_with_its_text() -> None:
    (model,) = contents(("assistant", (ToolCall("a", "patch", "*** Begin", custom=True),)))
    assert model["parts"][0]["functionCall"]["args"] == {"input": "*** Begin"}


def test_pictures_in_results_stand_inside_or_beside() -> None:
    turns: tuple[Any, ...] = (
        ("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))),
        ("user", (ToolResult("a", (Text("x"), Image(PNG))), ToolResult("b", (Image(PNG),)))),
    )
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    inside = contents(*turns, target=able(tool_images=True))[1]["parts"]
    assert [part["functionResponse"]["parts"] for part in inside] == [[picture], [picture]]
    beside = contents(*turns)[1]["parts"]
    assert ["functionResponse" in part for part in beside] == [True, True, False, False]
    assert beside[2:] == [picture, picture]


def test_own_signatures_are_replayed_and_no_others() -> None:
    own, other = Sealed("gemini", "b3du"), Sealed("anthropic", "x")
    made = contents(
        HI,  # type: ignore[arg-type]
        (
            "assistant",
            (Thought("why", other), Thought("bare"), Text("a", sealed=own), ToolCall("1", "f", "", sealed=other)),
        ),
        ("user", (ToolResult("1", (Text("x"),)),)),
        ("assistant", (Thought("alone", other),)),
        ("user", (Thought("forged", own), Text("b"))),
    )
    assert [content["role"] for content in made] == ["user", "model", "user"]
    assert made[1]["parts"] == [
        {"text": "a", "thoughtSignature": "b3du"},
        {"functionCall": {"id": "1", "name": "f", "args": {}}},
    ]
    assert made[2]["parts"][1:] == [{"text": "b"}]


def test_a_signature_that_came_beside_reasoning_goes_to_what_follows() -> None:
    own = Sealed("gemini", "b3du")
    (model,) = contents(("assistant", (Thought("", own), ToolCall("1", "f", ""), ToolCall("2", "f", ""))))
    assert [part.get("thoughtSignature") for part in model["parts"]] == ["b3du", None]
    (model,) = contents(("assistant", (Text("a"), Thought("t", own))))
    assert model["parts"] == [{"text": "a"}, {"text": "t", "thought": True}, {"text": "", "thoughtSignature": "b3du"}]


def test_calls_without_signature_get_the_documented_dummy_where_one_is_demanded() -> None:
    turns: tuple[Any, ...] = (
        ("assistant", (ToolCall("1", "f", ""), ToolCall("2", "f", ""))),
        ("user", (ToolResult("1", ()), ToolResult("2", ()))),
        ("assistant", (ToolCall("3", "f", "", sealed=Sealed("gemini", "b3du")),)),
    )
    made = contents(*turns, target=able(signatures_demanded=True))
    assert [part.get("thoughtSignature") for part in made[0]["parts"]] == [DUMMY, None]
    assert [part.get("thoughtSignature") for part in made[2]["parts"]] == ["b3du"]
    assert "thoughtSignature" not in str(contents(*turns)[0])


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Image(PNG), {"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
        (
            Image(Source(data="iVBORw0KGgoAAAANSUhEUgAA")),
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAANSUhEUgAA"}},
        ),
        (Image(Source(url="https://x.test/a")), {"fileData": {"fileUri": "https://x.test/a"}}),
        (Audio(Source("audio/wav", data="aGk=")), {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}}),
        (Video(Source("video/mp4", url="gs://b/c")), {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/c"}}),
        (
            Document(Source("application/pdf", data="aGk="), filename="a.pdf"),
            {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
        ),
        (Document(Source(), text="words"), {"text": "words"}),
        (Refused("no"), {"text": "no"}),
    ],
)
def test_media(part: Part, expected: Any) -> None:
    assert contents(("user", (part,)), target=able(video_input=True))[0]["parts"] == [expected]


@pytest.mark.parametrize(
    ("part", "target"),
    [
        (Image(Source(url="https://x.test/a")), able(image_url=False)),
        (Document(Source("application/pdf", url="https://x.test/a")), TARGET),
        (Image(Source(file_id="file-1")), TARGET),
        (Image(Source(data="????")), TARGET),
        (Image(Source(media_type="application/pdf", data="aGk=")), TARGET),
        (Image(PNG), able(image_input=False)),
        (Audio(Source("audio/wav", data="aGk=")), able(audio_input=False)),
        (Video(Source("video/mp4", data="aGk=")), TARGET),
    ],
)
def test_media_that_the_lane_cannot_take_are_refused(part: Part, target: Target) -> None:
    with pytest.raises(GatewayError) as caught:
        contents(("user", (part,)), target=target)
    assert caught.value.status == 400


def test_what_only_its_own_provider_keeps_is_refused() -> None:
    with pytest.raises(GatewayError):
        contents(("user", (Text("a"), Opaque("responses", "item_reference", "{}"))))


def test_losses_are_named() -> None:
    losses = Losses()
    made = contents(
        (
            "user",
            (
                Text("a", cache=Cache()),
                Image(PNG, detail="high"),
                Document(Source("application/pdf", data="aGk="), filename="f", citations=True),
                Opaque("responses", "web_search_call", "{}"),
            ),
        ),
        ("assistant", (Opaque("messages", "server_tool_use", "{}"),)),
        losses=losses,
    )
    assert losses.paths == (
        "cache_control", "messages.detail", "messages.citations", "messages.filename",
        "web_search_call", "server_tool_use",
    )  # fmt: skip
    assert [content["role"] for content in made] == ["user"]
