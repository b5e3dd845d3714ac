"""The whole body: its order, its bounds, and that nothing is lost unseen."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import GatewayError
from fastgw.protocols.converse.dialect import DIALECT
from fastgw.protocols.hub.conversation import Cache, Image, Sampling, Source, Text, Thinking, Tool
from fastgw.protocols.hub.losses import MEANING, Losses
from tests.protocols.converse.kit import asked, lane, said, sent


def test_a_plain_question() -> None:
    body, lost = sent(asked(said("system", "be brief"), said("user", "hello"), output_cap=100, stream=True))
    assert body == {
        "messages": [{"role": "user", "content": [{"text": "hello"}]}],
        "system": [{"text": "be brief"}],
        "inferenceConfig": {"maxTokens": 100},
    }
    assert lost == ()


def test_the_model_is_not_in_the_body() -> None:
    assert b"mdl" not in DIALECT.encode_request(asked(), msgspec.structs.replace(lane(), model="mdl"), Losses())


def test_which_stop_sequence_was_met_is_asked_of_claude_alone() -> None:
    question = asked(sampling=Sampling(stop=("END",)))
    assert sent(question)[0]["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    assert "additionalModelResponseFieldPaths" not in sent(question, lane("bedrock"))[0]


def test_the_last_four_cache_points_are_kept() -> None:
    tools = (Tool("function", "f", cache=Cache()),)
    turns = [said("system", Text("s", cache=Cache("1h")))]
    turns += [said("user", Text(str(number), cache=Cache())) for number in range(4)]
    body, lost = sent(asked(*turns, tools=tools))
    assert lost == ("cache_control",)
    assert not any("cachePoint" in tool for tool in body["toolConfig"]["tools"])
    assert body["system"] == [{"text": "s"}]
    assert sum("cachePoint" in block for block in body["messages"][0]["content"]) == 4
    body, lost = sent(asked(*turns[:2], tools=tools))
    assert body["system"] == [{"text": "s"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    assert body["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}
    assert lost == ()


def test_a_lane_without_caching_gets_no_cache_point() -> None:
    body, lost = sent(asked(said("user", Text("x", cache=Cache()))), lane(cache_control=False))
    assert body["messages"][0]["content"] == [{"text": "x"}]
    assert lost == ("cache_control",)


@pytest.mark.parametrize("field", sorted(MEANING))
def test_what_the_meaning_hangs_on_is_refused(field: str) -> None:
    with pytest.raises(GatewayError):
        sent(asked(same={field: msgspec.Raw(b"1")}))


def test_what_has_no_place_is_listed_by_the_callers_name() -> None:
    body, lost = sent(
        asked(
            origin="responses", verbosity="low", cache_key="k", user="u", service_tier="scale",
            same={"truncation": msgspec.Raw(b'"auto"')},
        )
    )  # fmt: skip
    assert lost == ("service_tier", "text.verbosity", "prompt_cache_key", "user", "truncation")
    assert set(body) == {"messages"}


@pytest.mark.parametrize(("tier", "sent_tier"), [("priority", {"type": "priority"}), ("auto", None), ("", None)])
def test_service_tiers(tier: str, sent_tier: Any) -> None:
    body, lost = sent(asked(service_tier=tier))
    assert (body.get("serviceTier"), lost) == (sent_tier, ())


def test_the_lane_can_want_more() -> None:
    target = lane(extra={"performanceConfig": msgspec.Raw(b'{"latency":"optimized"}'), "messages": msgspec.Raw(b"[]")})
    body, _ = sent(asked(), target)
    assert body["performanceConfig"] == {"latency": "optimized"}
    assert body["messages"], "it yields to what is asked"


SETTINGS: dict[str, st.SearchStrategy[Any]] = {
    "output_cap": st.none() | st.integers(0, 200_000),
    "parallel_calls": st.none() | st.booleans(),
    "user": st.sampled_from(["", "u"]),
    "cache_key": st.sampled_from(["", "k"]),
    "verbosity": st.sampled_from(["", "low"]),
    "service_tier": st.sampled_from(["", "auto", "flex", "scale"]),
    "thinking": st.none()
    | st.builds(
        Thinking,
        mode=st.sampled_from(["", "on", "off", "adaptive"]),
        effort=st.sampled_from([None, "none", "minimal", "low", "high", "max"]),
        budget_tokens=st.none() | st.integers(-1, 200_000),
        show=st.none() | st.booleans(),
    ),
    "sampling": st.builds(
        Sampling,
        temperature=st.none() | st.floats(0, 2),
        top_p=st.none() | st.floats(0, 1),
        top_k=st.none() | st.integers(1, 100),
        seed=st.none() | st.integers(0, 9),
        stop=st.lists(st.text(max_size=3), max_size=6).map(tuple),
        logprobs=st.none() | st.booleans(),
    ),
}
LANES = st.builds(
    lane,
    family=st.sampled_from(["anthropic", "bedrock"]),
    reasoning=st.sampled_from(["none", "budget", "adaptive", "effort"]),
    reasoning_off=st.booleans(),
    sampling=st.booleans(),
    temperature_and_top_p=st.booleans(),
    output_max=st.sampled_from([0, 64_000]),
    stop_max=st.integers(0, 5),
)


@settings(max_examples=150, deadline=None)
@given(st.fixed_dictionaries(SETTINGS), LANES)
def test_every_setting_is_sent_or_listed_and_the_body_is_always_one(values: dict[str, Any], target: Any) -> None:
    body, lost = sent(asked(**values), target)
    text = json.dumps(body)
    numbers = values["sampling"]
    for name, wire in (("temperature", "temperature"), ("top_p", "topP"), ("top_k", "top_k"), ("seed", "seed")):
        if getattr(numbers, name) is not None:
            assert wire in text or name in lost
    for name in ("user", "cache_key", "verbosity"):
        assert not values[name] or set(lost) & {name, "prompt_cache_key"}
    assert values["parallel_calls"] is not False or "parallel_tool_calls" in lost
    assert len(body.get("inferenceConfig", {}).get("stopSequences", ())) <= target.abilities.stop_max
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {})
    if "budget_tokens" in thinking:
        assert 1_024 <= thinking["budget_tokens"] < body["inferenceConfig"]["maxTokens"]
        assert "topP" not in text


def test_pictures_that_nobody_fetched_are_refused() -> None:
    with pytest.raises(GatewayError, match="cannot fetch"):
        sent(asked(said("user", Image(Source(url="https://e.x/a.png")))))
