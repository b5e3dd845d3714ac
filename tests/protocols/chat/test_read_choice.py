"""What a choice holds beside text and calls: seals, refusals, pictures, sound, citations, reasons."""

from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import Finish, Kind, StopReason
from fastgw.protocols.hub.gather import Block, gather
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.chat.ask import DONE, chunk, event, lane, read


def heard(*deltas: dict[str, Any]) -> list[Block]:
    return gather(read(b"".join(chunk(**delta) for delta in deltas) + DONE, lane(family="fam"))).blocks


@pytest.mark.parametrize(("word", "reason"), [
    ("stop", StopReason.END), ("length", StopReason.LENGTH), ("max_tokens", StopReason.LENGTH),
    ("content_filter", StopReason.REFUSAL),
    ("model_length", StopReason.CONTEXT_FULL), ("sensitive", StopReason.REFUSAL), ("eos", StopReason.END),
    ("STOP", StopReason.END), ("malformed_function_call", StopReason.MALFORMED_CALL), ("new_word", StopReason.END),
])  # fmt: skip
def test_reasons(word: str, reason: StopReason) -> None:
    assert read(chunk(content="x", finish=word) + DONE)[-1] == Finish(reason)


def test_calls_that_never_came_are_an_ordinary_end() -> None:
    assert read(chunk(content="x", finish="tool_calls") + DONE)[-1] == Finish(StopReason.END)


@pytest.mark.parametrize("field", ["stop_reason", "matched_stop"])
def test_the_stop_sequence_where_it_is_told(field: str) -> None:
    choice = {"delta": {"content": "x"}, "finish_reason": "stop", field: "END"}
    assert read(event({"choices": [choice]}))[-1] == Finish(StopReason.STOP_SEQUENCE, "END")
    assert read(event({"choices": [choice | {field: 128}]}))[-1] == Finish(StopReason.END)


@pytest.mark.parametrize("word", ["tool_calls", "function_call", "tool_use", "stop"])
def test_calls_are_a_reason(word: str) -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    assert read(chunk(tool_calls=[call], finish=word) + DONE)[-1] == Finish(StopReason.TOOLS)


def test_a_refusal_is_a_reason_of_its_own() -> None:
    events = read(chunk(refusal="no") + chunk(finish="stop") + DONE)
    assert gather(events).blocks[0].kind is Kind.REFUSAL
    assert events[-1] == Finish(StopReason.REFUSAL)


def test_sealed_reasoning_of_openrouter() -> None:
    thought, redacted, text = heard(
        {"reasoning": "h", "reasoning_details": [{"type": "reasoning.text", "text": "h", "index": 0}]},
        {"reasoning": "m", "reasoning_details": [{"type": "reasoning.text", "text": "m", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.text", "signature": "s", "format": "f", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "index": 1}]},
        {"content": "t"},
    )
    seal = '{"type":"reasoning.text","signature":"s","format":"f","index":0}'
    assert (thought.kind, thought.text, thought.sealed) == (Kind.REASONING, "hm", Sealed("fam", seal))
    assert redacted.kind is Kind.REDACTED and redacted.text == "" and redacted.sealed is not None
    assert text.text == "t"


def test_details_alone_and_blocks_of_litellm() -> None:
    (thought,) = heard({"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]})
    assert (thought.kind, thought.text) == (Kind.REASONING, "hm")
    (thought,) = heard({"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]})
    assert (thought.text, thought.sealed) == ("hm", Sealed("fam", '{"type":"thinking","signature":"s"}'))


def test_a_picture_whole_and_by_url() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA"}}
    _, image = heard({"content": "t", "images": [picture]})
    assert (image.kind, image.media_type, image.text) == (Kind.IMAGE, "image/webp", "AAAA")
    (link,) = heard({"images": [{"image_url": {"url": "https://a/b.png"}}]})
    assert link.text == "![image](https://a/b.png)"


def test_sound_and_its_transcript() -> None:
    sound, text = heard({"audio": {"id": "a", "data": "AA", "transcript": "t"}}, {"audio": {"data": "BB"}})
    assert (sound.kind, sound.text, text.text) == (Kind.AUDIO, "AABB", "t")


def test_citations() -> None:
    inner = {"url": "https://a", "title": "A", "start_index": 1, "end_index": 2}
    cited = {"type": "url_citation", "url_citation": inner}
    (text,) = heard({"content": "text"}, {"annotations": [cited, cited, {"type": "file_citation"}]})
    assert text.citations == [
        Citation("url", "https://a", "A", start=1, end=2, dialect="chat"),
        Citation("opaque", dialect="chat", raw='{"type":"file_citation"}'),
    ]


def test_perplexitys_list_of_urls_is_repeated_but_each_counts_once() -> None:
    one = {"choices": [{"index": 0, "delta": {"content": "t"}}], "citations": ["https://a", "https://b"]}
    (text,) = gather(read(event(one) * 3 + DONE)).blocks
    assert [citation.url for citation in text.citations] == ["https://a", "https://b"]


def test_a_signature_of_text() -> None:
    (text,) = heard({"content": "t"}, {"extra_content": {"google": {"thought_signature": "s"}}})
    assert text.sealed == Sealed("fam", "s")


def test_mistrals_content_of_parts() -> None:
    thought, text = heard(
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        {"content": [{"type": "text", "text": "t"}]},
    )
    assert (thought.kind, thought.text, text.text) == (Kind.REASONING, "hm", "t")
