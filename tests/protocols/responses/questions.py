"""Requests of every shape, for the laws of the dialect."""

import msgspec
from hypothesis import strategies as st

words = st.text(min_size=1, max_size=6)
texts = st.fixed_dictionaries({"type": st.just("input_text"), "text": words},
                              optional={"prompt_cache_breakpoint": st.just({"mode": "explicit"})})  # fmt: skip
notes = st.lists(st.just({"type": "url_citation", "url": "https://a", "title": "t", "start_index": 0, "end_index": 1}))
media = st.sampled_from([
    {"type": "input_image", "image_url": "https://a.example/b", "detail": "low"},
    {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
    {"type": "input_image", "file_id": "file-1"},
    {"type": "input_file", "file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"},
    {"type": "input_file", "file_data": "QUJD"},
    {"type": "input_file", "file_url": "https://a.example/c"},
    {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
])  # fmt: skip
said = st.lists(st.one_of(
    st.fixed_dictionaries({"type": st.just("output_text"), "text": words, "annotations": notes}),
    st.fixed_dictionaries({"type": st.just("refusal"), "refusal": words}),
), min_size=1, max_size=2)  # fmt: skip
named = {"call_id": words, "name": words}
outputs = st.fixed_dictionaries({
    "type": st.sampled_from(["function_call_output", "custom_tool_call_output"]), "call_id": words,
    "output": words | st.lists(texts | media, min_size=2, max_size=3),
}, optional={"id": words})  # fmt: skip
summaries = st.fixed_dictionaries({"type": st.just("summary_text"), "text": words})
items = st.one_of(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "developer"]),
                           "content": words | st.lists(texts | media, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": said, "id": words, "status": st.just("completed")},
                          optional={"phase": st.just("commentary")}),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": words | said}),
    st.fixed_dictionaries({"type": st.just("function_call"), **named, "arguments": words}, optional={"id": words}),
    st.fixed_dictionaries({"type": st.just("custom_tool_call"), **named, "input": words}, optional={"id": words}),
    outputs,
    st.fixed_dictionaries({"type": st.just("reasoning"), "summary": st.lists(summaries, max_size=2)},
                          optional={"id": words, "encrypted_content": words}),
    st.fixed_dictionaries({"type": st.sampled_from(["item_reference", "mcp_call", "x"]), "id": words, "x": words}),
)  # fmt: skip
tools = st.one_of(
    st.fixed_dictionaries({"type": st.just("function"), "name": words, "parameters": st.just({"type": "object"})},
                          optional={"strict": st.booleans(), "description": words, "defer_loading": st.booleans()}),
    st.fixed_dictionaries({"type": st.just("custom"), "name": words},
                          optional={"format": st.just({"type": "text"}), "description": words}),
    st.just({"type": "namespace", "name": "ns", "description": "d", "tools": [{"type": "function", "name": "f"}]}),
    st.fixed_dictionaries({"type": st.sampled_from(["web_search", "tool_search", "mcp"]), "x": words}),
)  # fmt: skip
shapes = st.sampled_from(
    [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "name": "n", "schema": {"b": 1, "a": {}}, "strict": True},
    ]
)
choices = st.sampled_from(
    [
        "auto",
        "required",
        {"type": "function", "name": "f"},
        {"type": "mcp", "x": "y"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]},
    ]
)
requests = st.fixed_dictionaries(
    {"input": words | st.lists(items, min_size=1, max_size=5)},
    optional={
        "instructions": words, "stream": st.just(True), "temperature": st.sampled_from([0.0, 1.5]),
        "top_p": st.just(0.5), "top_logprobs": st.integers(0, 20), "max_output_tokens": st.integers(1, 10_000),
        "tools": st.lists(tools, min_size=1, max_size=3, unique_by=msgspec.json.encode), "store": st.booleans(),
        "tool_choice": choices,
        "reasoning": st.fixed_dictionaries({"effort": st.sampled_from(["none", "low", "xhigh"])},
                                           optional={"summary": st.just("auto"), "context": words}),
        "text": st.fixed_dictionaries({"format": shapes}, optional={"verbosity": st.just("low")}),
        "include": st.lists(st.sampled_from(["reasoning.encrypted_content", "message.output_text.logprobs", "x.y"]),
                            unique=True, min_size=1),
        "metadata": st.dictionaries(words, words, min_size=1, max_size=2), "safety_identifier": words,
        "prompt_cache_key": words, "service_tier": words, "parallel_tool_calls": st.booleans(),
        "previous_response_id": words, "background": st.just(True), "truncation": st.just("auto"), "tomorrow": words,
    },
)  # fmt: skip
