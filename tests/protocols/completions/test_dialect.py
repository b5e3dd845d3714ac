"""The legacy endpoint as a dialect: asked by callers, passed untouched to providers, never translated into."""

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.completions.dialect import DIALECT
from fastgw.protocols.hub.conversation import Conversation, Text, Turn
from fastgw.protocols.hub.dialect import CallerDialect, FromPath, ProviderDialect, Setting, StreamBroken, Unusable
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sequence import ordered
from fastgw.protocols.hub.target import Abilities, Target
from fastgw.usage import Usage

LANE = Target(model="up", dialect="completions")
BODY = b'{"model":"m","prompt": ["a" ,"b"],"stream":true,"suffix":"x"}'
CHUNK = b'data: {"id":"c","choices":[{"text":"12345678","index":0,"logprobs":null,"finish_reason":null}]}\n\n'
LAST = b'data: {"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}\n\n'


def test_both_sides_are_what_the_hub_asks_for() -> None:
    caller: CallerDialect = DIALECT
    provider: ProviderDialect = DIALECT
    assert (caller.name, provider.name) == ("completions", "completions")


def test_the_body_is_spliced() -> None:
    fields = toplevel.decode(BODY, 128)
    sent = msgspec.json.decode(DIALECT.splice(fields, DIALECT.peek(fields, FromPath()), LANE),
                               type=dict[str, msgspec.Raw])  # fmt: skip
    assert bytes(sent["prompt"]) == b'["a" ,"b"]'
    assert (bytes(sent["model"]), bytes(sent["suffix"])) == (b'"up"', b'"x"')
    assert bytes(sent["stream_options"]) == b'{"include_usage":true}'


def test_a_lane_of_chat_quirks_is_sent_no_messages() -> None:
    """A compatible server has the quirks of its lane on both endpoints."""
    fields = toplevel.decode(BODY, 128)
    lane = msgspec.structs.replace(LANE, abilities=Abilities(developer_role=False))
    assert b'"messages"' not in DIALECT.splice(fields, DIALECT.peek(fields, FromPath()), lane)


def test_the_tap() -> None:
    tap = DIALECT.tap(hide_usage=True)
    assert tap.feed(CHUNK + LAST + USAGE) == CHUNK + LAST
    assert (tap.opened, tap.usage, tap.output_tokens_estimate()) == (True, Usage(in_text=9, out_text=4), 2)
    assert tap.rest() == b"data: [DONE]\n\n"


def test_whole_answers_are_looked_at() -> None:
    reading = DIALECT.read_answer(b'{"choices":[{"text":"x"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}')
    assert (reading.valid, reading.usage) == (True, Usage(in_text=1, out_text=2))
    assert DIALECT.usage_in_tail(b'"x"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}') == reading.usage


def test_nothing_is_translated_into_a_prompt() -> None:
    with pytest.raises(GatewayError) as caught:
        DIALECT.encode_request(Conversation("chat", ()), LANE, Losses())
    assert (caught.value.status, caught.value.param) == (400, "model")
    with pytest.raises(Unusable):
        DIALECT.decode_answer(b"{}", LANE)
    with pytest.raises(StreamBroken):
        DIALECT.reader(LANE)


def test_a_caller_is_answered_in_its_own_form() -> None:
    fields = {"model": msgspec.Raw(b'"m"'), "prompt": msgspec.Raw(b'"p"')}
    conversation = DIALECT.decode_request(fields, FromPath(), Losses())
    assert conversation.turns == (Turn("user", (Text("p"),), plain=True),)
    setting = Setting("ex1", "m", 5, conversation, fields, "x")
    assert msgspec.json.decode(DIALECT.encode_answer(ordered([]), setting))["object"] == "text_completion"
    assert DIALECT.writer(setting).end().endswith(b"data: [DONE]\n\n")
