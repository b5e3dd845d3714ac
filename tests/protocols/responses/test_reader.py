"""A provider's stream as events: what it leaves out, says twice or invents must not show."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.hub.dialect import StreamBroken
from fastgw.protocols.hub.events import Event, Failed, Finish, Kind, LogProbs, Seal, Start, StopReason, Used
from fastgw.protocols.hub.gather import gather
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered
from fastgw.protocols.responses.dialect import DIALECT
from fastgw.usage import Usage
from tests.fakes.scene import Call, Refuse, Say, Scene, Think, Tokens
from tests.fakes.speech import responses as fake
from tests.protocols.responses.kit import lane

USAGE = {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13}
MESSAGE: dict[str, Any] = {"type": "message", "id": "msg_p", "role": "assistant", "status": "completed"}
CALL: dict[str, Any] = {"type": "function_call", "id": "fc_p", "call_id": "call_p", "name": "f"}


def text_part(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []} | more


def event(kind: str, **more: Any) -> bytes:
    return b"event: x\ndata: " + msgspec.json.encode({"type": f"response.{kind}", "output_index": 0} | more) + b"\n\n"


def ended(kind: str = "completed", output: Any = (), **more: Any) -> bytes:
    response = {"id": "resp_p", "status": kind, "output": output, "usage": USAGE, "error": None} | more
    return event(kind, response=response)


CREATED = event(
    "created", response={"id": "resp_p", "model": "p", "created_at": 5, "status": "in_progress", "output": []}
)


def read(*frames: bytes) -> list[Event]:
    reader = DIALECT.reader(lane())
    events = [one for frame in frames for one in reader.feed(frame)] + list(reader.end())
    assert reader.complete == any(isinstance(one, Finish) for one in events)
    return events


def blocks(*frames: bytes) -> list[tuple[Kind, str, str]]:
    return [(one.kind, one.name, one.text) for one in gather(ordered(read(*frames))).blocks]


def text_delta(text: str, **more: Any) -> bytes:
    return event("output_text.delta", delta=text, content_index=0, item_id="msg_p", **more)


def test_a_stream_as_it_should_be() -> None:
    scene = Scene(
        (Think("Both.", "SEAL"), Say("Let me look."), Call("f", '{"a": 1}', "call_1"), Call("g", "{}", "call_2")),
        "tools", tokens=Tokens(11, 5, 3, said=7, thought=2),
    )  # fmt: skip
    events = read(*fake.frames(scene, {}))
    found = gather(ordered(events))
    assert [(one.kind, one.id, one.name, one.text) for one in found.blocks] == [
        (Kind.REASONING, "rs_PROVIDER0", "", "Both."), (Kind.TEXT, "", "", "Let me look."),
        (Kind.TOOL_CALL, "call_1", "f", '{"a": 1}'), (Kind.TOOL_CALL, "call_2", "g", "{}"),
    ]  # fmt: skip
    assert found.blocks[0].seals == [Sealed("openai", "SEAL")]
    assert (found.finish().reason, found.id) == (StopReason.TOOLS, "resp_PROVIDER")
    assert found.usage == Usage(in_text=11, cache_read=5, cache_write_5m=3, out_text=7, out_reasoning=2)


def test_a_refusal() -> None:
    found = gather(ordered(read(*fake.frames(Scene((Refuse("No."),)), {}))))
    assert (found.blocks[0].kind, found.blocks[0].text, found.finish().reason) == (
        Kind.REFUSAL,
        "No.",
        StopReason.REFUSAL,
    )


def arguments(text: str, **more: Any) -> bytes:
    return event("function_call_arguments.delta", delta=text, **more)


WHOLE_MESSAGE = MESSAGE | {"content": [text_part("Hello")]}
WHOLE_CALL = CALL | {"arguments": '{"a":1}', "status": "completed"}


@pytest.mark.parametrize(
    "frames",
    [
        [event("output_item.done", item=WHOLE_MESSAGE), ended()],
        [ended(output=[WHOLE_MESSAGE])],
        [text_delta("Hel"), text_delta("lo"), ended()],
        [text_delta("Hello"), event("output_text.done", content_index=0, text="Hello"), ended(output=[WHOLE_MESSAGE])],
        [event("output_item.added", item=MESSAGE | {"content": []}), event("output_text.done", text="Hello"), ended()],
        [event("content_part.done", part=text_part("Hello")), event("output_item.done", item=WHOLE_MESSAGE), ended()],
        [
            text_delta("Hello"),
            text_delta(""),
            event("output_item.done", item=WHOLE_MESSAGE),
            text_delta("late"),
            ended(),
        ],
    ],
)
def test_a_text_however_it_is_told(frames: list[bytes]) -> None:
    assert blocks(CREATED, *frames) == [(Kind.TEXT, "", "Hello")]


ADDED = event("output_item.added", item=CALL | {"arguments": ""})


@pytest.mark.parametrize(
    "frames",
    [
        [ADDED, event("function_call_arguments.done", arguments='{"a":1}'), ended()],
        [ADDED, arguments('{"a"'), arguments(":1}"), event("function_call_arguments.done", arguments='{"a":1}'),
         event("output_item.done", item=WHOLE_CALL), ended()],
        [event("output_item.done", item=WHOLE_CALL), ended()],
        [ADDED, ended(output=[WHOLE_CALL])],
        [event("output_item.done", item=CALL | {"arguments": {"a": 1}}), ended()],
    ],
)  # fmt: skip
def test_a_call_however_it_is_told(frames: list[bytes]) -> None:
    events = read(CREATED, *frames)
    found = gather(ordered(events))
    assert [(one.kind, one.id, one.name, one.text) for one in found.blocks] == [
        (Kind.TOOL_CALL, "call_p", "f", '{"a":1}')
    ]
    assert found.finish().reason is StopReason.TOOLS


def test_a_custom_call() -> None:
    item = {"type": "custom_tool_call", "id": "ctc_p", "call_id": "call_p", "name": "patch", "input": "*** x"}
    added = event("output_item.added", item=item | {"input": ""})
    told = event("custom_tool_call_input.delta", delta="*** x")
    assert blocks(added, told, event("output_item.done", item=item), ended()) == [(Kind.CUSTOM_CALL, "patch", "*** x")]
    done = event("custom_tool_call_input.done", input="*** x")
    assert blocks(added, done, ended()) == [(Kind.CUSTOM_CALL, "patch", "*** x")]


def test_reasoning_in_pieces_is_what_it_is_whole() -> None:
    item = {"type": "reasoning", "id": "rs_p", "summary": [{"type": "summary_text", "text": "a"}, {"text": "b"}],
            "content": [{"type": "reasoning_text", "text": "c"}], "encrypted_content": "E"}  # fmt: skip
    pieces = [
        event("reasoning_summary_text.delta", summary_index=0, delta="a"),
        event("reasoning_summary_text.done", summary_index=0, text="a"),
        event("reasoning_summary_text.done", summary_index=1, text="b"),
        event("reasoning_text.delta", content_index=0, delta="c"),
    ]
    done = event("output_item.done", item=item)
    assert blocks(*pieces, done, ended()) == blocks(done, ended()) == [(Kind.REASONING, "", "a\n\nb\n\nc")]
    assert any(isinstance(one, Seal) for one in read(done, ended()))


def test_reasoning_with_nothing_but_a_seal() -> None:
    done = event("output_item.done", item={"type": "reasoning", "id": "rs_p", "summary": [], "encrypted_content": "E"})
    (found,) = gather(ordered(read(done, ended()))).blocks
    assert (found.kind, found.text, found.sealed) == (Kind.REASONING, "", Sealed("openai", "E"))


def test_citations_once_each() -> None:
    note = {"type": "url_citation", "url": "https://a", "title": "t", "start_index": 0, "end_index": 1}
    cited = event("output_text.annotation.added", content_index=0, annotation_index=0, annotation=note)
    done = event("output_item.done", item=MESSAGE | {"content": [text_part("ab", annotations=[note, note])]})
    (found,) = gather(ordered(read(text_delta("ab"), cited, done, ended()))).blocks
    assert [(one.url, one.end) for one in found.citations] == [("https://a", 1)] * 2


def test_log_probabilities_in_chats_shape() -> None:
    told = [{"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "b", "logprob": -1}]}]
    (one,) = [one for one in read(text_delta("a", logprobs=told), ended()) if isinstance(one, LogProbs)]
    assert msgspec.json.decode(one.tokens) == [
        {"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": [{"token": "b", "logprob": -1, "bytes": None}]}
    ]
    assert not any(isinstance(one, LogProbs) for one in read(text_delta("a", logprobs=[]), ended()))


def test_pictures_and_items_that_only_this_dialect_knows() -> None:
    picture = {"type": "image_generation_call", "id": "ig_p", "result": "QUJD", "output_format": "webp"}
    search = {"type": "web_search_call", "id": "ws_p", "status": "completed"}
    found = gather(ordered(read(
        event("image_generation_call.partial_image", partial_image_b64="QQ=="),
        event("output_item.done", item=picture), event("output_item.done", output_index=1, item=search), ended(),
    ))).blocks  # fmt: skip
    assert [(one.kind, one.media_type, one.name) for one in found] == [
        (Kind.IMAGE, "image/webp", ""), (Kind.OPAQUE, "", "web_search_call"),
    ]  # fmt: skip
    assert found[0].text == "QUJD"
    assert msgspec.json.decode(found[1].text) == search


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (ended(), StopReason.END),
        (ended("incomplete", incomplete_details={"reason": "max_output_tokens"}), StopReason.LENGTH),
        (ended("incomplete", incomplete_details={"reason": "content_filter"}), StopReason.REFUSAL),
        (ended("incomplete", incomplete_details={"reason": "tomorrows"}), StopReason.LENGTH),
        (ended("incomplete", incomplete_details=None), StopReason.LENGTH),
        (ended("completed", status=None), StopReason.END),
    ],
)
def test_why_it_ended(frame: bytes, reason: StopReason) -> None:
    events = read(text_delta("a"), frame)
    assert events[-2:] == [Used(Usage(in_text=9, out_text=4)), Finish(reason)]


@pytest.mark.parametrize(
    ("frame", "message", "code"),
    [
        (ended("failed", error={"code": "server_error", "message": "Boom."}), "Boom.", "server_error"),
        (ended("failed", error=None), "The provider gave no reason.", ""),
        (ended("completed", status="failed", error={"code": "x", "message": "Boom."}), "Boom.", "x"),
        (
            b'data: {"type":"error","code":"rate_limit","message":"Slow down.","param":null}\n\n',
            "Slow down.",
            "rate_limit",
        ),
        (b'data: {"type":"error","error":{"message":"Slow down.","code":"r"}}\n\n', "Slow down.", "r"),
        (b'data: {"error":{"message":"No key sk-abcdefgh12345.","type":"x"}}\n\n', "No key [redacted].", ""),
    ],
)
def test_a_failure_is_no_success(frame: bytes, message: str, code: str) -> None:
    reader = DIALECT.reader(lane())
    events = [*reader.feed(CREATED + text_delta("a") + frame), *reader.feed(text_delta("late"))]
    (failed,) = [one for one in events if isinstance(one, Failed)]
    assert failed.message == message
    assert failed.code in {code, "x"}
    assert (reader.done, reader.complete, events[-1]) == (True, False, failed)


def test_what_is_unknown_is_passed_over() -> None:
    noise = [
        b": keep-alive\n\n",
        b"\n\n",
        b"data: [DONE]\n\n",
        event("tomorrows.delta", delta="x"),
        event("shell_call_output_content.delta", delta={"stdout": "x"}),
        event("queued", response={}),
        event("output_item.added", item=None),
        event("function_call_arguments.delta", output_index=7, delta="x"),
        event("content_part.added", part=text_part("")),
        event("output_text.delta", delta=None),
        b'data: {"type":5}\n\n',
    ]
    assert blocks(CREATED, *noise, text_delta("a"), *noise, ended()) == [(Kind.TEXT, "", "a")]


def test_interleaved_items_come_out_one_after_the_other() -> None:
    second = event("output_item.added", output_index=1, item=CALL | {"call_id": "call_q", "name": "g", "arguments": ""})
    frames = [
        ADDED, second, event("function_call_arguments.delta", output_index=1, delta="{}"),
        event("function_call_arguments.delta", delta='{"a":1}'), ended(),
    ]  # fmt: skip
    assert blocks(*frames) == [(Kind.TOOL_CALL, "f", '{"a":1}'), (Kind.TOOL_CALL, "g", "{}")]


def test_the_announcement() -> None:
    assert read(CREATED, CREATED, ended())[0] == Start("resp_p", "p", 5)
    assert sum(isinstance(one, Start) for one in read(CREATED, ended())) == 1


def test_crlf_no_space_and_a_last_event_without_its_empty_line() -> None:
    stream = (CREATED + text_delta("ä€😀") + ended()).replace(b"\n", b"\r\n").replace(b"data: ", b"data:").rstrip()
    reader = DIALECT.reader(lane())
    events = [one for byte in stream for one in reader.feed(bytes([byte]))]
    before = reader.complete
    events += reader.end()
    assert (before, reader.complete) == (False, True)
    assert gather(ordered(events)).blocks[0].text == "ä€😀"


def test_a_stream_that_was_cut_is_not_complete() -> None:
    reader = DIALECT.reader(lane())
    reader.feed(CREATED + text_delta("a") + ended()[:-9])
    assert (list(reader.end()), reader.complete, reader.done) == ([], False, False)


@pytest.mark.parametrize("data", [b"data: <html>\n\n", b"data: 5\n\ndata: {\n\n", event("completed")])
def test_what_is_no_stream_of_this_dialect(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        DIALECT.reader(lane()).feed(data)
