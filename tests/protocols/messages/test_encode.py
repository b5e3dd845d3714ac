"""The body as a whole."""

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Text, ToolCall, ToolResult
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.messages.dialect import DIALECT
from tests.protocols.messages.lane import asked, heard, lane, said, sent


def test_the_same_question_gives_the_same_bytes() -> None:
    bodies = {DIALECT.encode_request(question(), lane(), Losses()) for _ in range(3)}
    assert len(bodies) == 1
    assert bodies.pop().startswith(b'{"model":"claude","max_tokens":4096,"system":"be","messages":[')


def question() -> Conversation:
    call = ToolCall("call_1", "f", '{"a": 1.0}')
    return asked(
        said("system", "be", plain=True),
        said("user", "a"),
        said("assistant", call),
        said("tool", ToolResult("call_1", (Text("r"),))),
    )


def test_a_user_id_of_a_form_that_not_everybody_takes() -> None:
    question = asked(user="ann@example.org")
    assert sent(question)[0]["metadata"] == {"user_id": "ann@example.org"}
    other = msgspec.structs.replace(lane(), family="deepseek")
    assert len(sent(question, other)[0]["metadata"]["user_id"]) == 64


def test_about_the_request() -> None:
    body, lost = sent(asked(user="u", service_tier="default", stream=True, verbosity="low", cache_key="k"))
    assert (body["metadata"], body["service_tier"], body["stream"]) == ({"user_id": "u"}, "standard_only", True)
    assert lost == ("verbosity", "prompt_cache_key")


def test_what_does_not_fit_is_a_loss() -> None:
    body, lost = sent(asked(user="u" * 257, service_tier="flex"))
    assert "metadata" not in body
    assert "service_tier" not in body
    assert lost == ("user", "service_tier")


def test_fields_of_its_own_are_restored_and_others_listed() -> None:
    same = {"speed": msgspec.Raw(b'"fast"')}
    assert sent(asked(origin="messages", same=same))[0]["speed"] == "fast"
    body, lost = sent(asked(same={"store": msgspec.Raw(b"true")}))
    assert "store" not in body
    assert lost == ("store",)


def test_a_lane_may_want_fields_and_no_model() -> None:
    target = lane(
        model_in_body=False, extra={"max_tokens": msgspec.Raw(b"1"), "anthropic_version": msgspec.Raw(b'"v"')}
    )
    body = msgspec.json.decode(DIALECT.encode_request(asked(), target, Losses()))
    assert "model" not in body
    assert (body["max_tokens"], body["anthropic_version"]) == (4_096, "v")


def test_the_attribution_block_stays_here() -> None:
    block = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2"}
    assert sent(heard({"system": [block]})[0])[0]["system"] == [block]


def test_a_hint_follows_a_bare_system_prompt() -> None:
    from fastgw.protocols.hub.conversation import Format

    body, _ = sent(asked(said("system", "be", plain=True), said("user", "a"), format=Format("json_object")))
    assert [block["text"][:6] for block in body["system"]] == ["be", "Answer"]
