"""Prompts of the legacy endpoint: read, mapped to one message, or refused where no chat can do it."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.completions import request
from fastgw.protocols.hub.conversation import Conversation, Sampling, Text, Turn
from fastgw.protocols.hub.dialect import FromPath, Peek
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.protocols.registry import PROVIDERS


def fields(**body: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in ({"model": "m"} | body).items()}


def decoded(**body: Any) -> tuple[Conversation, tuple[str, ...]]:
    losses = Losses()
    return request.decode_request(fields(**({"prompt": "p"} | body)), FromPath(), losses), losses.paths


@pytest.mark.parametrize(("body", "choices"), [
    ({"prompt": "a"}, 1), ({"prompt": ["a"]}, 1), ({"prompt": ["a", "b"], "n": 3}, 6), ({"prompt": [1, 2]}, 1),
    ({"prompt": [[1], [2]]}, 2), ({"prompt": "a", "n": 1, "best_of": 4}, 4), ({"prompt": None}, 1),
])  # fmt: skip
def test_how_many_answers_may_be_written(body: dict[str, Any], choices: int) -> None:
    assert request.peek(fields(**body), FromPath()).choices == choices


def test_what_is_read() -> None:
    body = fields(prompt="p", stream=True, stream_options={"include_usage": True}, max_tokens=7)
    assert request.peek(body, FromPath()) == Peek("m", True, 7, 1, True)


@pytest.mark.parametrize("prompt", ["p", ["p"]])
def test_a_prompt_is_a_message(prompt: Any) -> None:
    conversation, losses = decoded(prompt=prompt)
    assert conversation.turns == (Turn("user", (Text("p"),), plain=True),)
    assert (conversation.origin, losses) == ("completions", ())


def test_settings() -> None:
    conversation, losses = decoded(
        max_tokens=5, temperature=0, top_p=1, frequency_penalty=1, presence_penalty=2, seed=3, n=2, stop="x",
        logprobs=2, logit_bias={"1": 2}, user="u", stream=True, odd=1, echo=False, suffix=None, best_of=2,
    )  # fmt: skip
    assert conversation.sampling == Sampling(0.0, 1.0, None, 3, 1.0, 2.0, '{"1":2}', ("x",), 2, True, 2)
    assert (conversation.output_cap, conversation.user, conversation.stream) == (5, "u", True)
    assert ([*conversation.same], losses) == (["odd"], ())


def test_probabilities_without_alternatives() -> None:
    sampling = decoded(logprobs=0)[0].sampling
    assert (sampling.logprobs, sampling.top_logprobs) == (True, None)


def test_the_best_of_several_is_a_loss() -> None:
    assert decoded(best_of=3)[1] == ("best_of",)


@pytest.mark.parametrize(("body", "param"), [
    ({"prompt": []}, "prompt"), ({"prompt": None}, "prompt"), ({"prompt": 5}, "prompt"),
    ({"logprobs": "x"}, "logprobs"),
])  # fmt: skip
def test_what_is_no_request_is_refused(body: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(**body)
    assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize(("body", "param"), [
    ({"prompt": ["a", "b"]}, "prompt[1]"), ({"prompt": [1, 2]}, "prompt[0]"), ({"prompt": [[1]]}, "prompt[0]"),
    ({"suffix": "end"}, "suffix"), ({"echo": True}, "echo"),
])  # fmt: skip
def test_what_no_chat_can_do_is_left_for_another_dialect_to_refuse(body: dict[str, Any], param: str) -> None:
    conversation, losses = decoded(**body)
    assert losses == ()
    for name, provider in PROVIDERS.items():
        if name not in {"completions", "compact"}:
            with pytest.raises(GatewayError) as caught:
                provider.encode_request(conversation, Target("m", name), Losses())
            assert (caught.value.status, caught.value.param) == (400, param)


@pytest.mark.parametrize("body", [{}, {"prompt": ["a"] * 3_000}, {"prompt": {}}])
def test_mistakes_are_named(body: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        request.peek(fields(**body), FromPath())
    assert caught.value.param == "prompt"
