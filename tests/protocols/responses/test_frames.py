"""Events as bytes, numbered densely, whoever says them."""

import msgspec
import pytest

from fastgw.protocols.responses.frames import Frames, Item
from tests.protocols.responses.kit import read_frames


def test_numbers_are_dense_over_both_ways_to_speak() -> None:
    frames = Frames()
    delta = frames.head("response.x.delta", b'"a":1')
    events = read_frames(
        frames.say("response.x", b'"a":1') + delta("p\n\n") + frames.say("response.y", b'"b":2') + delta("q")
    )
    assert [event["sequence_number"] for event in events] == [0, 1, 2, 3]
    assert events[1] == {"type": "response.x.delta", "a": 1, "sequence_number": 1, "delta": "p\n\n"}


def test_percent_signs_are_words() -> None:
    frames = Frames()
    events = read_frames(frames.say("response.x", b'"a":"100%d"') + frames.head("response.d", b'"a":"%b"')("%s"))
    assert [event["a"] for event in events] == ["100%d", "%b"]


class _Silent(Item):
    def whole(self, status: str) -> bytes:
        return msgspec.json.encode({"id": self.id, "status": status})


def test_the_life_of_an_item() -> None:
    item = _Silent(Frames(), "msg_1", 2)
    events = read_frames(item.begin() + item.delta("nothing") + item.stop() + item.done(item.whole("completed")))
    assert events == [
        {"type": "response.output_item.added", "output_index": 2, "item": {"id": "msg_1", "status": "in_progress"},
         "sequence_number": 0},
        {"type": "response.output_item.done", "output_index": 2, "item": {"id": "msg_1", "status": "completed"},
         "sequence_number": 1},
    ]  # fmt: skip


def test_an_item_of_no_kind_is_a_mistake() -> None:
    with pytest.raises(AssertionError):
        Item(Frames(), "x", 0).whole("completed")
