"""Numbers that tune, and words that end."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Sampling, Thinking
from tests.protocols.messages.lane import asked, lane, sent

NUMBERS = ("temperature", "top_p", "top_k")


def tuned(given: Sampling, thinking: Thinking | None = None, **abilities: Any) -> tuple[dict[str, Any], Any]:
    body, lost = sent(asked(sampling=given, thinking=thinking), lane(**abilities))
    return {name: body[name] for name in (*NUMBERS, "stop_sequences") if name in body}, lost


ALL = Sampling(temperature=0.5, top_p=0.9, top_k=5)


def test_zero_is_a_value() -> None:
    zeroes = Sampling(temperature=0, top_p=0, top_k=0)
    assert tuned(zeroes) == ({"temperature": 0, "top_p": 0, "top_k": 0}, ())


@pytest.mark.parametrize(("given", "sent_"), [(1.7, 1.0), (-1.0, 0), (1.0, 1.0)])
def test_the_temperature_is_kept_within_bounds(given: float, sent_: float) -> None:
    assert tuned(Sampling(temperature=given)) == ({"temperature": sent_}, () if given == sent_ else ("temperature",))


def test_temperature_wins_where_only_one_is_taken() -> None:
    fields, lost = tuned(ALL, temperature_and_top_p=False)
    assert (fields, lost) == ({"temperature": 0.5, "top_k": 5}, ("top_p",))
    assert tuned(Sampling(top_p=0.9), temperature_and_top_p=False) == ({"top_p": 0.9}, ())


@pytest.mark.parametrize("abilities", [{"sampling": False}, {"version": "2026-10-21"}])
def test_lanes_and_versions_without_sampling(abilities: dict[str, Any]) -> None:
    assert tuned(ALL, **abilities) == ({}, NUMBERS)


def test_nothing_tunes_a_model_that_thinks() -> None:
    assert tuned(ALL, Thinking("on")) == ({}, NUMBERS)
    assert tuned(Sampling(temperature=1), Thinking("on")) == ({"temperature": 1}, ())
    assert tuned(ALL, Thinking("off"))[1] == ()


def test_what_the_api_does_not_have_is_listed() -> None:
    foreign = Sampling(
        seed=0, frequency_penalty=0.1, presence_penalty=1, logit_bias="{}", logprobs=True, top_logprobs=2
    )
    assert set(tuned(foreign)[1]) == {
        "seed", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs",
    }  # fmt: skip
    assert tuned(Sampling(logprobs=False, n=1, frequency_penalty=0)) == ({}, ())


def test_several_answers_are_refused() -> None:
    with pytest.raises(GatewayError) as raised:
        tuned(Sampling(n=2))
    assert raised.value.param == "n"


def test_stops() -> None:
    assert tuned(Sampling(stop=("a", "b\n"))) == ({"stop_sequences": ["a", "b\n"]}, ())
    assert tuned(Sampling(stop=("\n", "a", ""))) == ({"stop_sequences": ["a"]}, ("stop",))
    assert tuned(Sampling(stop=(" ",))) == ({}, ("stop",))
    assert tuned(Sampling(stop=tuple("abcde")), stop_max=4) == ({"stop_sequences": list("abcd")}, ("stop",))
