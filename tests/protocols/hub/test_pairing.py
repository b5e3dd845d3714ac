"""One result for each call, results first: what two dialects of Claude's demand."""

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Image, Part, Source, Text, ToolCall, ToolResult
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.pairing import answered, calls_of

CALLS = dict.fromkeys(("a", "b"))
PICTURE = Image(Source(data="x"))


def result(call_id: str, *parts: Text | Image) -> ToolResult:
    return ToolResult(call_id, parts or (Text("done"),))


def sorted_out(*parts: Part, tool_images: bool = True) -> list[Part]:
    return answered(CALLS, list(parts), "messages", Losses(), tool_images=tool_images)


def test_results_come_first_and_in_the_order_of_the_calls() -> None:
    first, second, words = result("a"), result("b"), Text("and?")
    assert sorted_out(words, second, first) == [first, second, words]


def test_media_follow_the_results_where_they_may_not_stand_in_them() -> None:
    seen = result("b", Text("see"), PICTURE)
    assert sorted_out(result("a"), seen, tool_images=True)[1] == seen
    assert sorted_out(result("a"), seen, Text("and?"), tool_images=False) == [
        result("a"),
        result("b", Text("see")),
        PICTURE,
        Text("and?"),
    ]


@pytest.mark.parametrize(
    "parts", [(), (result("a"),), (result("a"), result("b"), result("a")), (result("a"), result("b"), result("c"))]
)
def test_anything_but_one_result_for_each_call_is_refused(parts: tuple[Part, ...]) -> None:
    with pytest.raises(GatewayError) as refused:
        sorted_out(*parts)
    assert (refused.value.status, refused.value.param) == (400, "messages")


def test_calls_are_known_by_their_ids() -> None:
    calls: list[Part] = [ToolCall("b", "f", ""), Text("x"), ToolCall("a", "f", "")]
    assert list(calls_of(calls, "messages", Losses())) == ["b", "a"]
    with pytest.raises(GatewayError):
        calls_of([*calls, ToolCall("a", "g", "")], "messages", Losses())


def test_a_turn_without_calls_and_results_stays_as_it_is() -> None:
    parts: list[Part] = [Text("x")]
    assert answered({}, parts, "messages", Losses(), tool_images=False) is parts
