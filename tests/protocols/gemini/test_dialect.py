"""The dialect as a whole: the law of identity, and closed accounting of what a caller says."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.hub.dialect import CallerDialect, ProviderDialect
from fastgw.protocols.hub.losses import Losses
from tests.protocols.gemini.kit import SAME_TARGET, USER, asked, sent, valid_request

# What comes back otherwise than it went in (all of it means the same to Google):
# - either spelling of a field comes back in camel case, a text or a single part as a list of contents or parts;
# - a content's role is always said, and `function` is `user`; the role of systemInstruction is not;
# - contents of the model that follow each other, as streaming callers send them, are one;
# - all functionDeclarations stand in one tool, every other kind of tool in one of its own;
# - a call without args has empty ones; a result without a response has an empty one;
# - unsigned thoughts, and what a user calls thoughts, are not replayed;
# - the documented dummies of signatures are gone, and made anew where the lane demands them;
# - a result has the id of its call, and none if that has none;
# - `responseModalities: ["TEXT"]`, logprobs 0, and fields that are null or empty are left out;
# - a schema for the answer has its media type beside it; of thinkingLevel and thinkingBudget the first stands.

TEXT = st.text(max_size=8)
NAME = st.sampled_from(["f", "get_weather", "g.h"])
SIGNATURE = st.sampled_from(["c2ln", "AA+/"])
OBJECT = st.dictionaries(st.sampled_from(["a", "mime_type", "b c"]), st.one_of(st.integers(-9, 9), TEXT), max_size=2)
BLOB = st.fixed_dictionaries(
    {"mimeType": st.sampled_from(["image/png", "audio/wav", "video/mp4", "application/pdf"]), "data": st.just("aGk=")},
    optional={"displayName": st.just("n")},
)
FILE = st.fixed_dictionaries(
    {"fileUri": st.sampled_from(["https://x.test/a.png", "gs://b/c", "https://youtu.be/x", "files/abc"]),
     "mimeType": st.sampled_from(["image/png", "video/mp4", "application/pdf"])},
    optional={"displayName": st.just("n")},
)  # fmt: skip
SAID = st.fixed_dictionaries({"text": TEXT}, optional={"thoughtSignature": SIGNATURE, "partMetadata": OBJECT})
MEDIUM = st.one_of(
    st.fixed_dictionaries(
        {"inlineData": BLOB},
        optional={"mediaResolution": st.just({"level": "MEDIA_RESOLUTION_LOW"}), "thoughtSignature": SIGNATURE},
    ),
    st.fixed_dictionaries({"fileData": FILE}, optional={"videoMetadata": st.just({"fps": 2})}),
)
RESULT = st.fixed_dictionaries(
    {"functionResponse": st.fixed_dictionaries(
        {"name": NAME, "response": OBJECT, "id": st.sampled_from(["c1", "c2"])},
        optional={
            "scheduling": st.just("SILENT"),
            "willContinue": st.booleans(),
            "parts": st.lists(st.fixed_dictionaries({"inlineData": BLOB}), min_size=1, max_size=2),
        },
    )},
)  # fmt: skip
CALL = st.fixed_dictionaries(
    {"functionCall": st.fixed_dictionaries(
        {"name": NAME, "args": OBJECT, "id": st.sampled_from(["c1", "c2"])}
    )},
    optional={"thoughtSignature": SIGNATURE},
)  # fmt: skip
CODE = st.one_of(
    st.just({"executableCode": {"language": "PYTHON", "code": "1"}}),
    st.just({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}, "thoughtSignature": "c2ln"}),
)
THOUGHT = st.fixed_dictionaries({"text": TEXT, "thought": st.just(True), "thoughtSignature": SIGNATURE})


def content(role: str, part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"role": st.just(role), "parts": st.lists(part, min_size=1, max_size=3)})


ASKED = content("user", st.one_of(SAID, MEDIUM, RESULT))
TOLD = content("model", st.one_of(SAID, CALL, CODE, THOUGHT))
CONTENTS = st.builds(
    lambda first, rest: [*first, *(content for group in rest for content in group)],
    st.lists(ASKED, min_size=1, max_size=2),
    st.lists(st.builds(lambda told, asked: [told, *asked], TOLD, st.lists(ASKED, min_size=1, max_size=2)), max_size=2),
)
SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}, "propertyOrdering": ["a"]}
DECLARATIONS = [
    {"name": "f", "description": "d", "parameters": SCHEMA, "response": SCHEMA, "behavior": "BLOCKING"},
    {"name": "g", "description": "d", "parametersJsonSchema": {"type": ["object"], "$ref": "#"}},
]
TOOLS = st.one_of(
    st.just([{"functionDeclarations": DECLARATIONS}]),
    st.just([{"googleSearch": {}}, {"functionDeclarations": DECLARATIONS}, {"codeExecution": {}}, {"urlContext": {}}]),
)
CALLING = st.one_of(
    st.sampled_from([{"mode": "AUTO"}, {"mode": "NONE"}, {"mode": "ANY"}, {"mode": "VALIDATED"}]),
    st.fixed_dictionaries(
        {"mode": st.sampled_from(["ANY", "VALIDATED"]), "allowedFunctionNames": st.sampled_from([["f"], ["f", "g"]])}
    ),
)
THINKING = st.one_of(
    st.fixed_dictionaries(
        {}, optional={"includeThoughts": st.booleans(), "thinkingBudget": st.sampled_from([0, -1, 99])}
    ),
    st.fixed_dictionaries({"thinkingLevel": st.sampled_from(["MINIMAL", "LOW", "MEDIUM", "HIGH"])}),
).filter(bool)  # fmt: skip
FORMAT = st.sampled_from([
    {},
    {"responseMimeType": "text/plain"},
    {"responseMimeType": "application/json"},
    {"responseMimeType": "application/json", "responseSchema": SCHEMA},
    {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object", "$defs": {}}},
    {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}},
])  # fmt: skip
CONFIG = st.builds(
    lambda config, form: config | form,
    st.fixed_dictionaries({}, optional={
        "temperature": st.sampled_from([0, 0.5, 2]), "topP": st.just(0), "topK": st.integers(1, 40),
        "candidateCount": st.integers(1, 3), "maxOutputTokens": st.integers(1, 9), "seed": st.integers(-5, 5),
        "stopSequences": st.lists(st.text(min_size=1, max_size=3), min_size=1, max_size=5),
        "presencePenalty": st.just(-1.5), "frequencyPenalty": st.just(1), "responseLogprobs": st.just(True),
        "responseModalities": st.just(["TEXT", "IMAGE"]), "mediaResolution": st.just("MEDIA_RESOLUTION_LOW"),
        "speechConfig": st.just({"languageCode": "de-DE"}), "thinkingConfig": THINKING,
        "routingConfig": st.just({"autoMode": {}}),
    }),
    FORMAT,
)  # fmt: skip
REQUEST = st.fixed_dictionaries(
    {"contents": CONTENTS},
    optional={
        "systemInstruction": st.just({"parts": [{"text": "be brief"}, {"text": "be kind"}]}),
        "safetySettings": st.just([{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]),
        "cachedContent": st.just("cachedContents/x"),
        "labels": st.just({"a": "b"}),
        "serviceTier": st.sampled_from(["flex", "standard"]),
        "store": st.booleans(),
    },
)


@settings(max_examples=60, deadline=None)
@given(REQUEST, st.one_of(st.none(), TOOLS), CALLING, CONFIG, st.booleans())
def test_a_request_through_the_hub_is_the_same_request(
    body: Any, tools: Any, calling: Any, config: Any, with_ids: bool
) -> None:
    if not with_ids:
        for content in body["contents"]:
            for part in content["parts"]:
                for key in part.keys() & {"functionCall", "functionResponse"}:
                    part[key].pop("id", None)
    if tools:
        body |= {"tools": tools, "toolConfig": {"functionCallingConfig": calling}}
    if config:
        body["generationConfig"] = config
    back = sent(asked(body), SAME_TARGET)
    assert back == body
    valid_request(back)


@settings(max_examples=20, deadline=None)
@given(REQUEST, TOOLS)
def test_the_same_request_has_the_same_bytes(body: Any, tools: Any) -> None:
    conversation = asked(body | {"tools": tools})
    once = DIALECT.encode_request(conversation, SAME_TARGET, Losses())
    assert once == DIALECT.encode_request(asked(body | {"tools": tools}), SAME_TARGET, Losses())


KEPT: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "LEAF-1"}]},
    "contents": [
        {"role": "user", "parts": [
            {"text": "LEAF-2"},
            {"inlineData": {"mimeType": "image/LEAF-3", "data": "LEAF-4", "displayName": "LEAF-5"}},
            {"fileData": {"mimeType": "video/LEAF-6", "fileUri": "https://LEAF-7"}, "videoMetadata": {"fps": "LEAF-8"}},
        ]},
        {"role": "model", "parts": [
            {"text": "LEAF-9", "thought": True, "thoughtSignature": "LEAF-10"},
            {"functionCall": {"id": "LEAF-11", "name": "LEAF-12", "args": {"a": "LEAF-13"}},
             "thoughtSignature": "LEAF-14"},
            {"executableCode": {"code": "LEAF-15"}},
        ]},
        {"role": "user", "parts": [{"functionResponse": {
            "id": "LEAF-11", "name": "LEAF-12", "response": {"b": "LEAF-16"}, "scheduling": "LEAF-17",
            "parts": [{"inlineData": {"mimeType": "image/LEAF-18", "data": "LEAF-19"}}],
        }}]},
    ],
    "tools": [
        {"functionDeclarations": [
            {"name": "LEAF-20", "description": "LEAF-21", "parameters": {"description": "LEAF-22"}}
        ]},
        {"googleSearch": {"x": "LEAF-23"}}, {"codeExecution": {"x": "LEAF-24"}},
    ],
    "toolConfig": {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["LEAF-25", "LEAF-26"]},
        "retrievalConfig": {"languageCode": "LEAF-27"},
    },
    "generationConfig": {
        "stopSequences": ["LEAF-28"], "responseSchema": {"type": "STRING", "description": "LEAF-29"},
        "speechConfig": {"x": "LEAF-30"}, "responseModalities": ["LEAF-31"], "mediaResolution": "LEAF-32",
    },
    "safetySettings": [{"category": "LEAF-33"}], "cachedContent": "LEAF-34", "labels": {"a": "LEAF-35"},
    "serviceTier": "LEAF-36", "somethingNew": {"x": "LEAF-37"},
}  # fmt: skip


def leaves(node: Any) -> set[str]:
    if isinstance(node, dict):
        return set().union(*(leaves(value) for value in node.values()))
    if isinstance(node, list):
        return set().union(*(leaves(value) for value in node))
    return {node[node.index("LEAF") :]} if isinstance(node, str) and "LEAF" in node else set()


def test_every_leaf_is_in_the_conversation() -> None:
    losses = Losses()
    conversation = asked(KEPT, losses)
    held = msgspec.json.encode(conversation).decode()
    missing = {leaf for leaf in leaves(KEPT) if f"{leaf}" not in held}
    assert not missing
    assert not losses


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"contents": [{"role": "user", "parts": [{"text": "a", "newField": 1}]}]}, "contents[0].parts[0].newField"),
        ({"contents": [{"role": "user", "parts": [{"text": "a", "thought": True}]}]}, "contents[0].parts[0].thought"),
        ({"contents": USER, "generationConfig": {"newField": 1}}, "generationConfig.newField"),
        ({"contents": USER, "toolConfig": {"newField": 1}}, "toolConfig.newField"),
        (
            {"contents": USER, "tools": [{"functionDeclarations": [{"name": "f", "newField": 1}]}]},
            "tools[0].functionDeclarations[0].newField",
        ),
        (
            {"contents": USER, "tools": [{"functionDeclarations": [{"name": "f", "response": {"type": "STRING"}}]}]},
            "tools[0].functionDeclarations[0].response",
        ),
        (
            {"contents": USER, "toolConfig": {"functionCallingConfig": {"streamFunctionCallArguments": True}}},
            "toolConfig.functionCallingConfig.streamFunctionCallArguments",
        ),
        (
            {"contents": USER, "generationConfig": {"thinkingConfig": {"thinkingLevel": "VAST"}}},
            "generationConfig.thinkingConfig.thinkingLevel",
        ),
    ],
)
def test_what_is_not_carried_is_listed(body: Any, path: str) -> None:
    losses = Losses()
    asked(body, losses)
    assert losses.paths == (path,)


def test_it_is_both_sides_of_a_dialect() -> None:
    caller: CallerDialect = DIALECT
    provider: ProviderDialect = DIALECT
    assert caller.name == provider.name == "gemini"
    assert caller.family == "gemini"
