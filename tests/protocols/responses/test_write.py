"""The stream of a caller: its choreography holds whatever comes, as OpenAI's description and the SDK have it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Finish,
    Kind,
    LogProbs,
    Seal,
    Start,
    StopReason,
    Used,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered
from fastgw.protocols.responses.dialect import DIALECT
from fastgw.usage import Usage
from tests.protocols.responses import open_spec
from tests.protocols.responses.kit import (
    answer,
    block,
    gathered,
    read_frames,
    setting,
    streamed,
    told,
    validated,
    whole,
)

TOOLS = [{"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "custom", "name": "patch"}]


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_a_text() -> None:
    events = validated(streamed([*answer(block(0, Kind.TEXT, "Hel", "lo")), Used(Usage(in_text=3, out_text=2))]))
    assert kinds(events) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    opening, last = events[0]["response"], events[-1]["response"]
    assert (opening["output"], opening["usage"], opening["error"]) == ([], None, None)
    assert (opening["id"], opening["status"]) == (last["id"], "in_progress") == ("resp_x1", "in_progress")
    assert last["usage"]["total_tokens"] == 5
    assert last["output"][0]["content"][0]["text"] == events[6]["text"] == "Hello"
    assert {event["item_id"] for event in events[3:8]} == {last["output"][0]["id"]}


def test_texts_in_a_row_are_parts_of_one_message_and_calls_follow() -> None:
    events = validated(streamed(answer(
        block(0, Kind.TEXT, "a"), block(1, Kind.REFUSAL, "no"), block(2, Kind.TOOL_CALL, "{", "}", id="c", name="f"),
        block(3, Kind.TEXT, "b"), stop=StopReason.TOOLS,
    )))  # fmt: skip
    output = gathered(events).output
    assert [item.type for item in output] == ["message", "function_call", "message"]
    assert [event["output_index"] for event in events if event["type"] == "response.output_item.done"] == [0, 1, 2]
    assert [event["content_index"] for event in events if event["type"].endswith("part.added")] == [0, 1, 0]
    done = next(event for event in events if event["type"] == "response.function_call_arguments.done")
    assert (done["name"], done["arguments"]) == ("f", "{}")


@pytest.mark.parametrize(
    ("stop", "status", "why"),
    [
        (StopReason.END, "completed", None),
        (StopReason.LENGTH, "incomplete", "max_output_tokens"),
        (StopReason.CONTEXT_FULL, "incomplete", "max_output_tokens"),
        (StopReason.STOP_SEQUENCE, "completed", None),
        (StopReason.TOOLS, "completed", None),
        (StopReason.REFUSAL, "incomplete", "content_filter"),
        (StopReason.PAUSE, "completed", None),
        (StopReason.MALFORMED_CALL, "failed", None),
    ],
)
def test_every_reason_to_stop(stop: StopReason, status: str, why: str | None) -> None:
    events = validated(streamed(answer(block(0, Kind.TEXT, "a"), stop=stop)))
    made = events[-1]["response"]
    assert (events[-1]["type"], made["status"]) == (f"response.{status}", status)
    assert (made["incomplete_details"] or {"reason": None})["reason"] == why
    assert (made["error"] is not None) == (status == "failed")
    assert made["output"][0]["status"] == ("incomplete" if why == "max_output_tokens" else "completed")
    assert whole(answer(block(0, Kind.TEXT, "a"), stop=stop)) == made


def test_every_reason_is_in_the_table() -> None:
    assert len(StopReason) == 8


def test_a_refusal_with_its_words_is_a_complete_answer() -> None:
    said = streamed(answer(block(0, Kind.REFUSAL, "No."), stop=StopReason.REFUSAL))
    assert said[-1]["type"] == "response.completed"
    told = validated(streamed([Start(), Finish(StopReason.REFUSAL, words="Not this.")]))
    assert told[-1]["response"]["output"][0]["content"] == [{"type": "refusal", "refusal": "Not this."}]
    assert told[-1]["type"] == "response.completed"


def test_a_custom_tool_shown_as_a_function_is_unwrapped() -> None:
    call = block(0, Kind.TOOL_CALL, '{"inp', 'ut":"*** Begin\\n"}', id="c", name="patch")
    events = validated(streamed(answer(call, stop=StopReason.TOOLS), tools=TOOLS))
    (item,) = events[-1]["response"]["output"]
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "patch", "*** Begin\n")
    said = [event["delta"] for event in events if event["type"].endswith("input.delta")]
    assert said == ["*** Begin\n"]


def test_a_call_in_a_namespace_gets_both_names_back() -> None:
    tools = [{"type": "namespace", "name": "mcp__x", "description": "", "tools": [
        {"type": "function", "name": "js", "parameters": {}}]}]  # fmt: skip
    events = validated(streamed(answer(block(0, Kind.TOOL_CALL, id="c", name="mcp__x__js")), tools=tools))
    (item,) = events[-1]["response"]["output"]
    assert (item["namespace"], item["name"], item["arguments"]) == ("mcp__x", "js", "{}")


def test_ids_are_the_gateways_and_calls_keep_theirs() -> None:
    events = streamed([Start("msg_provider", "provider-model"), *answer(
        block(0, Kind.TEXT, "a", id="msg_p"), block(1, Kind.TOOL_CALL, id="toolu_7", name="f"),
        block(2, Kind.TOOL_CALL, id="", name="f"),
    )[1:]])  # fmt: skip
    response = events[-1]["response"]
    assert [item["id"] for item in response["output"]] == ["msg_x1_1", "fc_x1_2", "fc_x1_3"]
    assert [item["call_id"] for item in response["output"][1:]] == ["call_7", "call_x1_2"]
    assert response["model"] == "m"
    assert "provider" not in str(events)


def test_a_seal_on_a_call_follows_it() -> None:
    call = block(0, Kind.TOOL_CALL, "{}", id="c", name="f")
    events = validated(streamed(answer([*call[:-1], Seal(0, Sealed("gemini", "G")), call[-1]])))
    output = events[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["function_call", "reasoning"]
    assert output[1]["encrypted_content"] == "fgw1.of-call.call_c.fgw1.gemini.G"
    assert len(gathered(events).output) == 2


@pytest.mark.parametrize(("include", "count"), [([], 1), (["reasoning.encrypted_content"], 2)])
def test_a_seal_on_a_text_follows_it_for_those_who_ask(include: list[str], count: int) -> None:
    text = block(0, Kind.TEXT, "a")
    events = streamed(answer([*text[:-1], Seal(0, Sealed("gemini", "G")), text[-1]]), include=include)
    assert len(events[-1]["response"]["output"]) == count


def test_log_probabilities_are_told_with_the_words_and_at_the_end() -> None:
    tokens = '[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"b","logprob":-1.0}]}]'
    events = streamed([
        Start(), BlockStart(0, Kind.TEXT), LogProbs(0, tokens), Delta(0, "a"), LogProbs(0, tokens),
        *block(0, Kind.TEXT)[-1:], Finish(StopReason.END),
    ])  # fmt: skip
    full = {"token": "a", "logprob": -0.5, "bytes": [97],
            "top_logprobs": [{"token": "b", "logprob": -1.0, "bytes": [98]}]}  # fmt: skip
    by_type = {event["type"]: event for event in events}
    assert by_type["response.output_text.delta"]["logprobs"] == [full]
    assert by_type["response.output_text.done"]["logprobs"] == [full, full]


def test_sound_foreign_blocks_and_other_choices_are_left_out() -> None:
    events: list[Event] = answer(block(0, Kind.AUDIO, "QUJD"), block(1, Kind.OPAQUE, "{}", name="server_tool_use"))
    events[1:1] = [BlockStart(2, Kind.TEXT, choice=1), Delta(2, "second"), *block(2, Kind.TEXT)[-1:]]
    made = streamed(events)[-1]["response"]
    assert (made["output"], made["status"]) == ([], "completed")


def test_an_item_of_the_own_dialect_passes_with_a_new_id() -> None:
    search = '{"id":"ws_p","type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}}'
    events = validated(streamed(answer(block(0, Kind.OPAQUE, search, name="web_search_call"))))
    assert events[-1]["response"]["output"][0]["id"] == "web_x1_1"


def test_an_error_before_the_response_and_after_it() -> None:
    error = GatewayError(ErrorKind.UPSTREAM_CUT, "The provider stopped.")
    (before,) = validated(read_frames(DIALECT.writer(setting()).fail(error)))
    assert before == {"type": "error", "code": "upstream_unavailable", "message": "The provider stopped.",
                      "param": None, "sequence_number": 0}  # fmt: skip
    writer = DIALECT.writer(setting())
    said = writer.write([Start(), *block(0, Kind.TOOL_CALL, "{}", id="c", name="f"), *block(1, Kind.TEXT, "cut")[:-1]])
    after = validated(read_frames(said + writer.fail(error)))
    assert after[-1]["type"] == "response.failed"
    assert after[-1]["response"]["error"] == {"code": "server_error", "message": "The provider stopped."}
    assert [item["type"] for item in after[-1]["response"]["output"]] == ["function_call"]
    assert gathered(after).status == "failed"


words = st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable())
raw_blocks = st.lists(
    st.tuples(
        st.sampled_from(list(Kind)), st.lists(words, max_size=3), st.sampled_from(["", "f", "patch"]), st.booleans()
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(raw_blocks, st.sampled_from(list(StopReason)), st.randoms(use_true_random=False))
def test_the_choreography_holds_in_any_order(raw: Any, stop: StopReason, chance: Any) -> None:
    events: list[Event] = []
    for at, (kind, texts, name, sealed) in enumerate(raw):
        seal = [Seal(at, Sealed("anthropic", "S"))] if sealed else []
        said = ['{"type":"x"}'] if kind is Kind.OPAQUE else texts
        events += [BlockStart(at, kind, f"c{at}", name), *(Delta(at, text) for text in said), *seal]
    starts = [event for event in events if isinstance(event, BlockStart)]
    others = [event for event in events if not isinstance(event, BlockStart)]
    chance.shuffle(others)
    well_formed = ordered([*starts, *others, Finish(stop)])
    made = validated(streamed(well_formed, tools=TOOLS))
    check_choreography(made)
    assert told(gathered(made).to_dict()["output"]) == made[-1]["response"]["output"]
    assert whole(well_formed, tools=TOOLS) == made[-1]["response"]


def check_choreography(events: list[dict[str, Any]]) -> None:
    """Items begin and end once, one after the other; what is said in pieces is what is said at the end."""
    assert kinds(events)[:2] == ["created", "in_progress"]
    assert (
        sum(event["type"] in {"response.completed", "response.incomplete", "response.failed"} for event in events) == 1
    )
    open_item: dict[str, Any] | None = None
    pieces: dict[tuple[Any, ...], str] = {}
    done_items: list[dict[str, Any]] = []
    for event in events[2:-1]:
        kind = event["type"].removeprefix("response.")
        place = (event["output_index"], event.get("content_index"), event.get("summary_index"))
        assert event["output_index"] == len(done_items)
        if kind == "output_item.added":
            assert open_item is None
            open_item = event["item"]
        elif kind == "output_item.done":
            assert open_item is not None and open_item["id"] == event["item"]["id"]
            done_items.append(event["item"])
            open_item = None
        else:
            assert open_item is not None and event["item_id"] == open_item["id"]
            if kind.endswith(".delta"):
                assert event["delta"]
                pieces[place] = pieces.get(place, "") + event["delta"]
            elif kind in {"output_text.done", "reasoning_summary_text.done"}:
                assert event["text"] == pieces.get(place, "")
            elif kind in {"refusal.done", "function_call_arguments.done", "custom_tool_call_input.done"}:
                assert next(event[name] for name in ("refusal", "arguments", "input") if name in event) == pieces.get(
                    place, ""
                )
    assert events[-1]["response"]["output"] == done_items


def test_open_responses_has_nothing_against_it_either() -> None:
    tokens = '[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[]}]'
    url = Citation("url", "https://a.example/", "A", start=0, end=1)
    call = block(1, Kind.TOOL_CALL, "{}", id="c", name="f")
    for stop in (StopReason.END, StopReason.LENGTH, StopReason.MALFORMED_CALL):
        events = streamed(
            [
                *answer(block(0, Kind.REASONING, "hm"), [*call[:-1], Seal(1, Sealed("gemini", "G")), call[-1]])[:-1],
                *(BlockStart(2, Kind.TEXT), Delta(2, "a"), LogProbs(2, tokens), Cite(2, url), BlockEnd(2)),
                *block(3, Kind.REFUSAL, "no"),
                Used(Usage(in_text=1, out_text=2)),
                Finish(stop),
            ],
            tools=TOOLS[:1],
            tool_choice={"type": "function", "name": "f"},
            reasoning={"effort": "low"},
            text={"verbosity": "low"},
            instructions="Be brief.",
        )
        open_spec.assert_events(events)
        assert events[-1]["response"]["instructions"] == "Be brief."
