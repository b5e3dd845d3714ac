"""What whole answers and streams share."""

from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Sampling
from fastgw.protocols.hub.events import Finish, Kind, StopReason
from fastgw.protocols.messages.wire_answer import call_id, ending, message_id, note_of, usage_of
from fastgw.usage import Usage
from tests.protocols.messages.lane import asked, setting

SDK_REASONS = {
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded",
}  # fmt: skip


def end(finish: Finish, *, refused: bool = False, stop: tuple[str, ...] = ()) -> dict[str, Any]:
    conversation = asked(origin="messages", sampling=Sampling(stop=stop))
    return ending(finish, setting(conversation=conversation), refused=refused)


@pytest.mark.parametrize("reason", StopReason)
def test_every_reason_has_a_word(reason: StopReason) -> None:
    assert end(Finish(reason))["stop_reason"] in SDK_REASONS


def test_words_for_reasons() -> None:
    assert end(Finish(StopReason.END)) == {"stop_reason": "end_turn", "stop_sequence": None}
    assert end(Finish(StopReason.MALFORMED_CALL))["stop_reason"] == "end_turn"
    assert end(Finish(StopReason.CONTEXT_FULL))["stop_reason"] == "model_context_window_exceeded"


def test_the_sequence_is_named_where_it_is_known() -> None:
    met = StopReason.STOP_SEQUENCE
    assert end(Finish(met, "X"))["stop_sequence"] == "X"
    assert end(Finish(met), stop=("Y",))["stop_sequence"] == "Y"
    assert end(Finish(met), stop=("Y", "Z"))["stop_sequence"] is None
    assert end(Finish(StopReason.END), stop=("Y",))["stop_sequence"] is None


def test_a_refusal_explains_itself() -> None:
    details = {"type": "refusal", "category": None, "explanation": "why"}
    assert end(Finish(StopReason.REFUSAL, words="why"))["stop_details"] == details
    assert end(Finish(StopReason.END), refused=True)["stop_reason"] == "refusal"
    assert end(Finish(StopReason.LENGTH), refused=True)["stop_reason"] == "max_tokens"


def test_ids_are_native() -> None:
    assert message_id(setting()) == "msg_01JX"
    assert call_id("call_9", setting(), 2) == "toolu_9"
    assert call_id("", setting(), 2) == "toolu_01JX_2"


def test_a_medium_leaves_a_note() -> None:
    assert "image (image/png)" in note_of(Kind.IMAGE, "image/png")
    assert "audio (unknown type)" in note_of(Kind.AUDIO, "")


def test_usage_is_reported_or_counted() -> None:
    assert usage_of(Usage(in_text=3, cache_read=1, out_text=2), setting(), 99)["input_tokens"] == 3
    made = usage_of(None, setting(), 99)
    assert (made["input_tokens"], made["output_tokens"]) == (7, 99)
