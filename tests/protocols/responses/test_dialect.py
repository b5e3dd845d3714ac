"""The laws of the dialect: a request comes back as it was, nothing is lost unseen, and what is written is read.

Into and out of the hub a request stays the same JSON but for this list:

- fields that are null vanish, as do `stream: false`, `background: false` and what is empty: `annotations`, `logprobs`;
- `user` becomes `safety_identifier`, its new name; `include` is a set;
- an item says `type: message`; a `text` part is an `input_text`; what a model said is `output_text`;
- `status` is said of messages with an id, and goes without saying elsewhere;
- a tool's answer that is one text in a list is that text.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Finish,
    Kind,
    Seal,
    StopReason,
    Used,
)
from fastgw.protocols.hub.gather import gather
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import Sequence, ordered
from fastgw.protocols.responses.dialect import DIALECT
from fastgw.usage import Usage
from tests.protocols.responses import codex
from tests.protocols.responses.kit import (
    OWN,
    answer,
    block,
    decoded,
    fields,
    lane,
    read_frames,
    setting,
    streamed,
    whole,
)
from tests.protocols.responses.questions import requests

words = st.text(min_size=1, max_size=6)


def plain(value: Any) -> Any:
    """A request modulo the list above."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: plain(one) for name, one in value.items() if one is not None and one != []}
    if "role" in made and "content" in made:
        made.setdefault("type", "message")
    if made.get("status") == "completed":
        del made["status"]
    if isinstance(made.get("include"), list):
        made["include"] = sorted(made["include"])
    return made


@settings(max_examples=60, deadline=None)
@given(requests)
def test_a_request_comes_back_as_it_was(request: dict[str, Any]) -> None:
    conversation, _ = decoded(**request)
    body = DIALECT.encode_request(conversation, OWN, Losses())
    assert plain(msgspec.json.decode(body)) == plain({"model": "m"} | request)
    assert DIALECT.encode_request(conversation, OWN, Losses()) == body


def leaves(value: Any, path: str) -> list[tuple[str, str]]:
    """Path and text of each leaf that is a text."""
    if isinstance(value, dict):
        return [found for name, one in value.items() for found in leaves(one, f"{path}.{name}" if path else name)]
    if isinstance(value, list):
        return [found for number, one in enumerate(value) for found in leaves(one, f"{path}[{number}]")]
    return [(path, value)] if isinstance(value, str) else []


def marked(value: Any, count: list[int]) -> Any:
    """The same, with a text of its own in each leaf that may hold any."""
    if isinstance(value, dict):
        return {name: one if name in FIXED else marked(one, count) for name, one in value.items()}
    if isinstance(value, list):
        return [marked(one, count) for one in value]
    if isinstance(value, str) and not value.startswith(("data:", "https:")):
        count[0] += 1
        return f"mark-{count[0]}-{value}"
    return value


FIXED = {
    "type", "role", "mode", "effort", "summary", "format", "status", "include", "tool_choice", "verbosity", "phase",
    "detail", "truncation", "service_tier", "prompt_cache_breakpoint", "input_audio", "namespace",
}  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(requests)
def test_every_leaf_is_in_the_conversation_or_listed(request: dict[str, Any]) -> None:
    request = marked(request, [0])
    conversation, losses = decoded(**request)
    held = msgspec.json.encode(conversation).decode()
    for path, text in leaves(request, ""):
        if text.startswith("mark-"):
            quoted = msgspec.json.encode(text).decode()[1:-1]
            twice = msgspec.json.encode(quoted).decode()[1:-1]
            assert quoted in held or twice in held or any(path.startswith(lost) for lost in losses), path


def test_the_requests_of_codex_are_served() -> None:
    request = codex.request()
    conversation, losses = decoded(**request)
    assert plain(msgspec.json.decode(DIALECT.encode_request(conversation, OWN, Losses()))) == plain(
        {"model": "m"} | request
    )
    assert losses == ()
    assert [tool.kind for tool in conversation.tools] == ["function", "custom", "opaque", "web_search", "function"]
    assert list(conversation.same) == ["client_metadata"]
    kinds = [part.__class__.__name__ for turn in conversation.turns for part in turn.parts]
    assert kinds.index("Thought") + 1 == kinds.index("ToolCall")


NOTE = '{"type":"url_citation","url":"https://a.example/","title":"A","start_index":0,"end_index":1}'
url = Citation("url", "https://a.example/", "A", start=0, end=1, dialect="responses", raw=NOTE)
pieces = st.lists(words, min_size=1, max_size=3)
raw_blocks = st.lists(st.tuples(
    st.sampled_from([Kind.TEXT, Kind.REASONING, Kind.TOOL_CALL, Kind.CUSTOM_CALL, Kind.REFUSAL, Kind.IMAGE]), pieces,
    st.booleans(),
), max_size=5)  # fmt: skip
stops = st.sampled_from([StopReason.END, StopReason.LENGTH])
USED = Usage(in_text=5, cache_read=3, out_text=4, out_reasoning=2)


def events_of(blocks: list[Any], stop: StopReason) -> list[Event]:
    events: list[Event] = []
    for at, (kind, texts, extra) in enumerate(blocks):
        called = "call" in kind.value
        events += block(at, kind, *texts, id=f"call_{at}" if called else "", name="f" if called else "")[:-1]
        if extra and kind is Kind.REASONING:
            events.append(Seal(at, Sealed("openai", "E")))
        if extra and kind is Kind.TEXT:
            events.append(Cite(at, url))
        events.append(BlockEnd(at))
    return ordered([*events, Used(USED), Finish(stop)])


def told(events: list[Event]) -> Any:
    """What an answer says, without ids of items."""
    found = gather(events)
    blocks = [
        (one.kind, one.name, one.id if "call" in one.kind.value else "", one.text, one.seals, one.citations)
        for one in found.blocks
    ]
    return blocks, found.usage, found.finish().reason


@settings(max_examples=40, deadline=None)
@given(raw_blocks, stops, st.integers(min_value=1, max_value=400))
def test_what_is_written_is_read_whole_and_in_pieces_of_any_size(
    blocks: list[Any], stop: StopReason, size: int
) -> None:
    events = events_of(blocks, stop)
    unary = ordered(DIALECT.decode_answer(DIALECT.encode_answer(events, setting()), lane()))
    writer = DIALECT.writer(setting())
    stream = writer.write(events) + writer.end()
    reader = DIALECT.reader(lane())
    read = [event for at in range(0, len(stream), size) for event in reader.feed(stream[at : at + size])]
    assert reader.done and reader.complete
    assert told(unary) == told(ordered([*read, *reader.end()]))
    wanted, usage, reason = told(events)
    refused = any(kind is Kind.REFUSAL for kind, *_ in wanted)
    called = any(kind in {Kind.TOOL_CALL, Kind.CUSTOM_CALL} for kind, *_ in wanted)
    if reason is StopReason.END and refused and not called:
        reason = StopReason.REFUSAL
    assert told(unary) == (wanted, usage, reason)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_through_the_hub_a_stream_stays_what_it_says(size: int) -> None:
    blocks = [(Kind.REASONING, ["h", "m"], True), (Kind.TEXT, ["a", "b"], True), (Kind.TOOL_CALL, ["{}"], True)]
    events = events_of(blocks, StopReason.END)
    writer = DIALECT.writer(setting())
    stream = writer.write(events) + writer.end()
    reader, sequence, again = DIALECT.reader(lane()), Sequence(), DIALECT.writer(setting())
    out = b"".join(
        again.write(sequence.order(reader.feed(stream[at : at + size]))) for at in range(0, len(stream), size)
    )
    assert reader.complete
    out += again.write(sequence.order(reader.end())) + again.write(sequence.end()) + again.end()
    assert read_frames(out) == read_frames(stream)


def test_names_and_the_other_doors() -> None:
    assert (DIALECT.name, DIALECT.family) == ("responses", "openai")
    seen = DIALECT.peek(fields(), FromPath())
    assert msgspec.json.decode(DIALECT.splice(fields(), seen, lane()))["model"] == "gpt"
    made = msgspec.json.encode(whole(answer(block(0, Kind.TEXT, "a"))))
    assert DIALECT.read_answer(made).valid
    assert DIALECT.usage_in_tail(b'"usage":{"input_tokens":1}}') == Usage(in_text=1)
    assert not DIALECT.tap(hide_usage=True).done


def test_deltas_are_told_one_by_one() -> None:
    events = streamed([BlockStart(0, Kind.TEXT), Delta(0, "a"), Delta(0, "b"), BlockEnd(0), Finish(StopReason.END)])
    assert [event["delta"] for event in events if event["type"].endswith("text.delta")] == ["a", "b"]
