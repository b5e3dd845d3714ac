"""The laws of the dialect: chat to the hub and back is the identity, and no leaf of a request is lost unseen.

The identity holds for requests as `requests` makes them. Other spellings of the same are brought into this form:

- a field that is null or absent; `stream: false`; `modalities: ["text"]`; a cap of 0; content of an assistant without
  any: null;
- `stop` as a text: a list of one; `max_tokens`: the cap that the lane knows; `safety_identifier`: `user`;
- `functions`, `function_call` and messages of the role `function`: tools, with ids;
- `reasoning`, and words beside `reasoning_details` or `thinking_blocks`: one carrier; `reasoning_signature`: a detail;
- `image_url` as a text: an object; `prompt_cache_breakpoint`, and `cache_control` of a message: of the last part;
- `arguments` as an object: as a text; an `index` of a call: none; `refusal` parts of an assistant: its `refusal`;
- `thinking`, `enable_thinking`, `reasoning` and budgets: what the lane reads;
- `stream_options`: `include_usage`, which is always asked for; seals of other families, which are left out.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastgw.errors import GatewayError
from fastgw.protocols.chat.dialect import DIALECT
from fastgw.protocols.hub.conversation import Text, Thought, ToolCall
from fastgw.protocols.hub.dialect import CallerDialect, FromPath, ProviderDialect
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Kind, Seal
from fastgw.protocols.hub.losses import MEANING, Losses
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.target import SAME, Target
from tests.protocols.chat.ask import DONE, chunk, decoded, lane, relayed, setting
from tests.protocols.chat.requests import requests

HOME: Target = msgspec.structs.replace(SAME, model="m", dialect="chat", family="openai")
FAR = lane(family="elsewhere", output_cap="max_tokens", video_input=True)


def encoded(body: dict[str, Any], target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
    losses = Losses()
    conversation = DIALECT.decode_request(fields, FromPath(), losses)
    return msgspec.json.decode(DIALECT.encode_request(conversation, target, losses)), losses.paths


def test_both_sides_are_what_the_hub_asks_for() -> None:
    caller: CallerDialect = DIALECT
    provider: ProviderDialect = DIALECT
    assert (caller.name, caller.family, provider.name) == ("chat", "openai", "chat")


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(requests)
def test_chat_to_the_hub_and_back_is_the_identity(body: dict[str, Any]) -> None:
    assert encoded(body, HOME) == (body, ())


def without_each(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """`value` without one of its fields, for each at any depth that this dialect looks into."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if inner is None or inner == "":
                continue
            rest = {other: kept for other, kept in value.items() if other != name}
            yield f"{path}.{name}", rest
            if name not in WHOLE:
                yield from ((where, rest | {name: less}) for where, less in without_each(inner, f"{path}.{name}"))
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from ((where, [*value[:at], less, *value[at + 1 :]]) for where, less in without_each(inner, path))


WHOLE = {"parameters", "schema", "format", "logit_bias", "metadata", "prediction", "audio", "web_search_options",
         "odd_field", "web_search", "tool_choice"}  # fmt: skip
"""Passed on or left out as a whole."""
SILENT = (
    # A breakpoint steers a cache and changes no answer; a lane without them is not asked for any.
    "cache_control",
    # Reasoning of earlier turns goes back to its family only, by design.
    "reasoning_content",
    "reasoning_details",
    "thinking_blocks",
    # What is said anyway.
    ".model",
    ".type",
    ".tool_choice",
    # Of a word that is the same for every lane: not to keep the answer.
    ".store",
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(requests)
def test_every_field_is_sent_named_as_a_loss_or_refused(body: dict[str, Any]) -> None:
    try:
        made = encoded(body, FAR)
    except GatewayError as refused:
        assert refused.param in {"messages", "tools", *MEANING} and refused.status == 400
        return
    for path, less in without_each(body):
        if any(name in path for name in SILENT):
            continue
        try:
            assert encoded(less, FAR) != made, f"nobody would see that {path} is lost"
        except GatewayError as refused:
            assert refused.status == 400


@pytest.mark.parametrize("family", ["openai", "anthropic", "gemini"])
def test_seals_come_back_from_callers_as_they_went_out(family: str) -> None:
    seals = [Sealed(family, data) for data in ("text+/=", "redacted", "call", "words")]
    events: list[Event] = [
        BlockStart(0, Kind.REASONING), Delta(0, "hm"), Seal(0, seals[0]), BlockEnd(0),
        BlockStart(1, Kind.REDACTED), Seal(1, seals[1]), BlockEnd(1),
        BlockStart(2, Kind.TEXT), Delta(2, "t"), Seal(2, seals[3]), BlockEnd(2),
        BlockStart(3, Kind.TOOL_CALL, "call_a", "f"), Delta(3, "{}"), Seal(3, seals[2]), BlockEnd(3),
    ]  # fmt: skip
    body = msgspec.json.decode(DIALECT.encode_answer(events, setting()))
    message = {name: value for name, value in body["choices"][0]["message"].items() if name != "annotations"}
    conversation, losses = decoded(messages=[message])
    assert conversation.turns[0].parts == (
        Thought("hm", seals[0]), Thought("", seals[1], redacted=True), Text("t", sealed=seals[3]),
        ToolCall("call_a", "f", "{}", sealed=seals[2]),
    )  # fmt: skip
    assert losses == ()


pieces = st.lists(st.sampled_from([
    chunk(content="x"), chunk(content="ä😀"), chunk(reasoning_content="hm"), chunk(refusal="no"), b": comment\n\n",
    chunk(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"a"'}}]),
    chunk(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
    chunk(tool_calls=[{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]),
    chunk(reasoning_details=[{"type": "reasoning.text", "signature": "s"}]), chunk(1, content="other"),
    b'data:{"choices":[]}\r\n\r\n', chunk(finish="stop"),
]), min_size=1, max_size=10)  # fmt: skip


@settings(max_examples=100)
@given(pieces, st.lists(st.integers(0, 4_000), max_size=12))
def test_any_chunking_gives_the_caller_the_same_answer(parts: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(parts) + chunk(content="end") + DONE
    places = sorted({cut % (len(stream) + 1) for cut in cuts})
    cut_up = [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]
    assert relayed([piece for piece in cut_up if piece], FAR, setting()) == relayed([stream], FAR, setting())
