"""The settings of a request: each has its place, none is lost unseen."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.chat.decode import decode_request
from fastgw.protocols.hub.conversation import Sampling
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from tests.protocols.chat.ask import decoded, fields


def test_numbers_of_sampling_and_zero_is_one_of_them() -> None:
    conversation, losses = decoded(
        temperature=0, top_p=0.5, top_k=3, seed=7, frequency_penalty=-1, presence_penalty=0, n=2, logprobs=True,
        top_logprobs=0, stop="x", logit_bias={"5": -100},
    )  # fmt: skip
    assert conversation.sampling == Sampling(0.0, 0.5, 3, 7, -1.0, 0.0, '{"5":-100}', ("x",), 2, True, 0)
    assert losses == ()


@pytest.mark.parametrize(("stop", "expected"), [("a", ("a",)), (["a", "b"], ("a", "b")), (None, ()), ([], ())])
def test_stop(stop: Any, expected: tuple[str, ...]) -> None:
    assert decoded(stop=stop)[0].sampling.stop == expected


@pytest.mark.parametrize(
    ("caps", "expected", "losses"),
    [
        ({"max_tokens": 5}, 5, ()),
        ({"max_completion_tokens": 6}, 6, ()),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6, ("max_tokens",)),
        ({"max_tokens": 5, "max_completion_tokens": 5}, 5, ()),
        ({"max_tokens": 5, "max_completion_tokens": None}, 5, ()),
        ({"max_tokens": 0}, None, ()),
        ({}, None, ()),
    ],
)
def test_caps(caps: dict[str, Any], expected: int | None, losses: tuple[str, ...]) -> None:
    conversation, lost = decoded(**caps)
    assert (conversation.output_cap, lost) == (expected, losses)


def test_the_end_user_by_either_name() -> None:
    assert decoded(user="u")[0].user == "u"
    assert decoded(safety_identifier="s")[0].user == "s"
    both, _ = decoded(user="u", safety_identifier="s")
    assert (both.user, [*both.same]) == ("u", ["safety_identifier"])


def test_named_settings() -> None:
    conversation, _ = decoded(verbosity="low", prompt_cache_key="k", service_tier="flex", parallel_tool_calls=False)
    said = (conversation.verbosity, conversation.cache_key, conversation.service_tier, conversation.parallel_calls)
    assert said == ("low", "k", "flex", False)
    assert not conversation.same


def test_what_only_this_dialect_knows_stays_as_it_came() -> None:
    conversation, losses = decoded(metadata={"a": "b"}, prediction={"type": "content"}, odd=[1, 2.50])
    assert {name: bytes(raw) for name, raw in conversation.same.items()} == {
        "metadata": b'{"a":"b"}', "prediction": b'{"type":"content"}', "odd": b"[1,2.5]",
    }  # fmt: skip
    assert losses == ()


@pytest.mark.parametrize(
    "body",
    [{"stream_options": {"include_usage": True}}, {"modalities": ["text"]}, {"metadata": None}, {"store": None}],
)
def test_what_means_nothing_elsewhere_is_no_loss(body: dict[str, Any]) -> None:
    assert not decoded(**body)[0].same


def test_keeping_an_answer_is_a_wish_and_not_keeping_it_a_command() -> None:
    assert decoded(store=False)[0].stateless
    kept = decoded(store=True)[0]
    assert (kept.stateless, [*kept.same]) == (False, ["store"])


def test_the_path_decides_over_the_body_whether_to_stream() -> None:
    body = fields(stream=True)
    assert decode_request(body, FromPath(), Losses()).stream
    assert not decode_request(body, FromPath(stream=False), Losses()).stream


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"temperature": "hot"}, "temperature"),
        ({"seed": 1.5}, "seed"),
        ({"stop": 5}, "stop"),
        ({"logit_bias": []}, "logit_bias"),
        ({"user": 5}, "user"),
        ({"stream_options": []}, "stream_options"),
    ],
)
def test_mistakes_are_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(**body)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"stream": True, "max_tokens": 5},
        {"temperature": 0, "top_p": 0.5, "max_completion_tokens": 6, "max_tokens": 5},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": 1.0}}}], "tool_choice": "auto"},
        {"tools": [{"function": {"name": "f", "what": 1}, "cache_control": {"type": "ephemeral"}}]},
        {"tools": [{"type": "web"}, {"type": "custom", "custom": {"name": "c"}}], "stream": None},
    ],
)
def test_a_question_that_says_little_is_read_like_one_that_says_more(said: dict[str, Any]) -> None:
    conversation, losses = decoded(**said)
    among_others, others_losses = decoded(**said, user=None, verbosity=None)
    assert (conversation, losses) == (among_others, others_losses)


MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "s", "name": "n"},
    {"role": "user", "content": ""},
    {"role": "assistant", "content": "a"},
    {"role": "user", "content": "u", "refusal": "no", "tool_call_id": "x"},
    {"role": "assistant", "content": "a", "reasoning_content": ""},
    {"role": "assistant", "content": "a", "annotations": []},
    {"role": "user", "content": "a", "cache_control": {"type": "ephemeral"}},
]


@pytest.mark.parametrize("message", MESSAGES)
def test_words_alone_are_read_like_a_list_of_one_text(message: dict[str, Any]) -> None:
    listed = message | {"content": [{"type": "text", "text": message["content"]}]}
    (plain, losses), (parted, listed_losses) = decoded(messages=[message]), decoded(messages=[listed])
    assert [turn.parts for turn in plain.turns] == [turn.parts for turn in parted.turns]
    assert losses == listed_losses
    assert (plain.turns[0].plain, parted.turns[0].plain) == (True, False)
