"""Hypothesis strategies for whole chat requests, in the form in which this dialect writes them itself."""

from typing import Any

import msgspec
from hypothesis import strategies as st

text = st.text(max_size=8)
name = st.text("abcdefghij_-", min_size=1, max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(name, inner, max_size=2),
    max_leaves=5,
)
objects = st.dictionaries(name, json_values, max_size=3)


def some(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields."""
    return st.fixed_dictionaries(required, optional=optional)


cache = st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral", "ttl": "5m"}])
urls = st.sampled_from(["https://a.example/b.png", "data:image/png;base64,iVBORw0KGgo=", "data:image/webp;base64,AAAA"])
text_part = some({"type": st.just("text"), "text": text}, cache_control=cache)
image_part = some({"type": st.just("image_url"), "image_url": some({"url": urls}, detail=st.sampled_from(["low"]))},
                  cache_control=cache)  # fmt: skip
file_part = some({"type": st.just("file"), "file": st.one_of(
    some({"file_data": st.just("data:application/pdf;base64,JVBERi0=")}, filename=name),
    some({"file_id": name}, filename=name),
)})  # fmt: skip
audio_part = some({"type": st.just("input_audio"), "input_audio": some({
    "data": st.just("AAAA"), "format": st.sampled_from(["flac", "mp3"])})})  # fmt: skip
video_part = some({"type": st.just("video_url"), "video_url": some({"url": st.just("https://a.example/b.mp4")})})
user_content = text | st.lists(text_part | image_part | file_part | audio_part | video_part, min_size=1, max_size=3)
text_content = text | st.lists(text_part, min_size=1, max_size=2)

instruction = some({"role": st.sampled_from(["system", "developer"]), "content": text_content}, name=name)
user = some({"role": st.just("user"), "content": user_content}, name=name)
function_call = some({"id": name, "type": st.just("function"), "function": some({
    "name": name, "arguments": objects.map(lambda value: msgspec.json.encode(value).decode()) | text})})  # fmt: skip
custom_call = some({"id": name, "type": st.just("custom"), "custom": some({"name": name, "input": text})})
detail = st.one_of(
    some({"type": st.just("reasoning.text"), "text": text, "signature": name}, format=name, index=st.integers(0, 3)),
    some({"type": st.just("reasoning.encrypted"), "data": name}, id=name),
)
thinking_block = st.one_of(
    some({"type": st.just("thinking"), "thinking": text, "signature": name}),
    some({"type": st.just("redacted_thinking"), "data": name}),
)
carriers = st.one_of(
    st.just({}), st.fixed_dictionaries({"reasoning_content": text}),
    st.fixed_dictionaries({"reasoning_details": st.lists(detail, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"thinking_blocks": st.lists(thinking_block, min_size=1, max_size=2)}),
)  # fmt: skip
assistant = st.builds(
    lambda message, carrier: message | carrier,
    some(
        {"role": st.just("assistant"), "content": st.none() | text_content},
        name=name, refusal=text.filter(bool), audio=some({"id": name}),
        images=st.lists(image_part, min_size=1, max_size=2),
        tool_calls=st.lists(function_call | custom_call, min_size=1, max_size=2),
    ),
    carriers,
)  # fmt: skip
tool = some({"role": st.just("tool"), "tool_call_id": name,
             "content": text | st.lists(text_part | image_part, min_size=1, max_size=2)}, name=name)  # fmt: skip
messages = st.lists(instruction | user | assistant | tool, min_size=1, max_size=4)

function_tool = some(
    {
        "type": st.just("function"),
        "function": some({"name": name}, description=text.filter(bool), parameters=objects, strict=st.booleans()),
    },
    cache_control=cache,
)
forms = st.sampled_from([
    {"type": "text"}, {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: x"}},
])  # fmt: skip
custom_tool = some({"type": st.just("custom"), "custom": some(
    {"name": name}, description=text.filter(bool), format=forms)})  # fmt: skip
opaque_tool = some({"type": st.sampled_from(["web_search", "openrouter:x"])}, web_search=objects)
numbers = st.floats(0, 2, allow_nan=False)


@st.composite
def tool_fields(draw: st.DrawFn) -> dict[str, Any]:
    """`tools` with a choice among them, or nothing."""
    if draw(st.booleans()):
        return {}
    tools = draw(st.lists(function_tool | custom_tool | opaque_tool, min_size=1, max_size=3))
    kinds = {kind: [t[kind]["name"] for t in tools if kind in t] for kind in ("function", "custom")}
    twice = {*kinds["function"]} & {*kinds["custom"]}
    named = [{"type": kind, kind: {"name": one}} for kind, names in kinds.items() for one in names if one not in twice]
    choices: list[Any] = [None, "auto", "none", "required", *named]
    if named:
        choices.append({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named}})
    choice = draw(st.sampled_from(choices))
    fields: dict[str, Any] = {"tools": tools} | ({} if choice is None else {"tool_choice": choice})
    return fields | draw(some({}, parallel_tool_calls=st.booleans()))


settings = some(
    {},
    web_search_options=objects, max_completion_tokens=st.integers(1, 9_999), temperature=numbers, top_p=numbers,
    frequency_penalty=numbers, presence_penalty=numbers, seed=st.integers(0, 9), n=st.integers(1, 3),
    top_k=st.integers(0, 9), logprobs=st.booleans(), top_logprobs=st.integers(0, 5), stop=st.lists(text, min_size=1,
    max_size=5), logit_bias=st.dictionaries(st.sampled_from(["1", "2"]), st.integers(-9, 9), min_size=1),
    reasoning_effort=st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
    response_format=st.one_of(
        st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
        st.fixed_dictionaries({"type": st.just("json_schema"), "json_schema": some(
            {"name": name}, schema=objects, strict=st.booleans(), description=text.filter(bool))}),
    ),
    verbosity=st.sampled_from(["low", "high"]), user=name, prompt_cache_key=name,
    service_tier=st.sampled_from(["auto", "flex"]), store=st.booleans(), metadata=objects,
    modalities=st.just(["text", "audio"]), audio=objects, prediction=objects, odd_field=json_values.filter(
        lambda value: value is not None),
)  # fmt: skip
requests = st.builds(
    lambda messages, tools, more: {"model": "m", "messages": messages, **tools, **more},
    messages, tool_fields(), settings,
)  # fmt: skip
