"""The gateway's own count of a prompt: text by its bytes, media by fixed amounts, ids and seals not at all."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.dataplane.metering.prompt import (
    DOCUMENT_TOKENS,
    IMAGE_TOKENS,
    IMAGE_TOKENS_LOW,
    IMAGE_TOKENS_OPENAI,
    MESSAGE_TOKENS,
    SOUND_TOKENS,
    prompt_tokens,
)
from fastgw.protocols.toplevel import decode

TEXT = "x" * 400
BLOB = "QUJD" * 100_000


def count(dialect: str = "messages", **body: Any) -> int:
    return prompt_tokens(decode(msgspec.json.encode(body), 100), dialect)


def user(*blocks: Any) -> list[Any]:
    return [{"role": "user", "content": list(blocks)}]


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("messages", {"messages": [{"role": "user", "content": TEXT}]}),
        ("messages", {"messages": user({"type": "text", "text": TEXT, "cache_control": {"type": "ephemeral"}})}),
        ("responses", {"input": [{"role": "user", "content": [{"type": "input_text", "text": TEXT}]}]}),
        ("gemini", {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]}),
        ("gemini", {"generateContentRequest": {"model": "m", "contents": [{"role": "u", "parts": [{"text": TEXT}]}]}}),
    ],
)  # fmt: skip
def test_the_same_text_counts_the_same_in_every_dialect(dialect: str, body: dict[str, Any]) -> None:
    assert count(dialect, **body) == 100 + MESSAGE_TOKENS


def test_text_counts_wherever_a_model_reads_it() -> None:
    assert count("responses", input=TEXT, instructions=TEXT) == 200
    assert count(system=TEXT) == count(system=[{"type": "text", "text": TEXT}]) == 100
    assert count("gemini", systemInstruction={"parts": [{"text": TEXT}]}) == 100
    assert count(system="日本語") == 3
    tool = {"name": "f", "input_schema": {"type": "object"}}
    assert count(tools=[tool]) == -(-len(msgspec.json.encode([tool])) // 4)
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"city": "P" * 391}}
    assert count(messages=[{"role": "assistant", "content": [call]}]) > 100
    assert (
        count("gemini", contents=[{"role": "m", "parts": [{"functionCall": {"name": "f", "args": {"a": TEXT}}}]}]) > 100
    )
    assert count("responses", input=[{"type": "function_call_output", "call_id": "c", "output": TEXT}]) == 100
    assert count(messages=user({"type": "tool_result", "tool_use_id": "t", "content": TEXT})) == 100 + MESSAGE_TOKENS


@pytest.mark.parametrize(
    ("dialect", "block", "tokens"),
    [
        ("messages", {"type": "image", "source": {"type": "base64", "data": BLOB}}, IMAGE_TOKENS["messages"]),
        ("messages", {"type": "document", "source": {"type": "base64", "data": BLOB}}, DOCUMENT_TOKENS),
        ("messages", {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}}, 100),
        ("messages", {"type": "tool_result", "content": [{"type": "image", "source": {"data": BLOB}}]},
         IMAGE_TOKENS["messages"]),
        ("messages", {"type": "redacted_thinking", "data": BLOB}, 0),
        ("messages", {"type": "thinking", "thinking": TEXT, "signature": BLOB}, 100),
        ("chat", {"type": "image_url", "image_url": {"url": BLOB}}, IMAGE_TOKENS_OPENAI),
        ("chat", {"type": "image_url", "image_url": {"url": BLOB, "detail": "low"}}, IMAGE_TOKENS_LOW),
        ("chat", {"type": "input_audio", "input_audio": {"data": BLOB}}, SOUND_TOKENS),
        ("responses", {"type": "input_image", "image_url": BLOB, "detail": "low"}, IMAGE_TOKENS_LOW),
        ("responses", {"type": "input_file", "file_data": BLOB}, DOCUMENT_TOKENS),
        ("responses", {"type": "reasoning", "id": "rs_1", "encrypted_content": BLOB}, 0),
        ("gemini", {"inlineData": {"mimeType": "image/png", "data": BLOB}}, IMAGE_TOKENS["gemini"]),
        ("gemini", {"inline_data": {"mime_type": "audio/mp3", "data": BLOB}}, SOUND_TOKENS),
        ("gemini", {"fileData": {"mimeType": "application/pdf", "fileUri": BLOB}}, DOCUMENT_TOKENS),
        ("gemini", {"text": TEXT, "thoughtSignature": BLOB}, 100),
    ],
)  # fmt: skip
def test_media_count_a_fixed_amount_and_seals_nothing(dialect: str, block: dict[str, Any], tokens: int) -> None:
    assert count(dialect, messages=user(block)) == tokens + MESSAGE_TOKENS


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "role", "input", "image_url", "inlineData", "source"]), inner
        )
    ),
    max_leaves=10,
)


@settings(max_examples=100, deadline=None)
@given(_values, _values, st.sampled_from(["messages", "responses", "gemini"]))
def test_every_body_has_a_count(one: Any, other: Any, dialect: str) -> None:
    assert count(dialect, messages=one, generateContentRequest=other) >= 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=5), st.text(max_size=30))
def test_more_text_never_counts_less(texts: list[str], more: str) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    assert count(messages=[*messages, {"role": "user", "content": more}]) >= count(messages=messages)


def test_a_number_that_no_type_holds_counts_as_text() -> None:
    fields = {"messages": msgspec.Raw(b'[{"role":"user","content":1e999}]')}
    assert prompt_tokens(fields, "messages") == 9


@pytest.mark.parametrize("kind", [[None], {}, 7, None])
def test_a_document_of_no_type_at_all_is_counted_too(kind: Any) -> None:
    document = {"type": "document", "source": {"type": kind, "data": "x"}}
    assert count(messages=[{"role": "user", "content": [document]}]) > 1
