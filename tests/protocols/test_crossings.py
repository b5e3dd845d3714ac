"""Closed accounting over every crossing: no leaf of a request vanishes. It is said, listed as a loss, or refused."""

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Abilities, Target
from fastgw.protocols.registry import CALLERS, PROVIDERS
from tests.protocols.crossing_bodies import BODIES

FAMILIES = {"messages": "anthropic", "gemini": "gemini", "converse": "anthropic"}
RICH = Abilities(cache_control=True, cache_key=True, schema_json=True, document_url=True, tool_images=True)
POOR = Abilities(
    sampling=False, stop_max=0, choices=False, logprobs=False, parallel_flag=False, tool_strict=False,
    custom_tools=False, json_schema="none", developer_role=False, mid_system=False, reasoning="none", efforts=(),
)  # fmt: skip

MEANT_ANYWAY: dict[str, set[tuple[str, ...]]] = {
    "chat": {
        # The only kind of each is what its absence means too.
        ("tools", "*", "type"),
        ("tool_choice", "type"),
        ("messages", "*", "tool_calls", "*", "type"),
        # A call without arguments is one with none.
        ("messages", "*", "tool_calls", "*", "function", "arguments"),
        # Words of earlier reasoning mean something only under the seal of the family that reads them.
        ("messages", "*", "reasoning_content"),
        # The name of a schema is a label that only OpenAI asks for; elsewhere a schema is always binding and closed.
        ("response_format", "json_schema", "name"),
        ("response_format", "json_schema", "strict"),
        ("response_format", "json_schema", "schema", "additionalProperties"),
        ("tools", "*", "function", "parameters", "additionalProperties"),
        # `auto` is what every provider does unasked.
        ("service_tier",),
    },
    "responses": {
        ("text", "format", "name"),
        ("text", "format", "strict"),
        ("text", "format", "schema", "additionalProperties"),
        ("tools", "*", "parameters", "additionalProperties"),
        ("reasoning", "summary"),
        ("service_tier",),
        # What has a definition is a grammar.
        ("tools", "*", "format", "type"),
        # Items without a type are messages, and nothing is kept here either way.
        ("input", "*", "type"),
        ("store",),
    },
    "messages": {
        ("messages", "*", "content", "*", "cache_control", "type"),
        ("system", "*", "cache_control", "type"),
        # Providers of OpenAI's dialects cache by themselves.
        ("system", "*", "cache_control", "ttl"),
        # What the bytes are is seen from the bytes.
        ("messages", "*", "content", "*", "source", "media_type"),
        # The schema of a tool is an object's, said or not.
        ("tools", "*", "input_schema", "type"),
        ("service_tier",),
    },
    "gemini": {
        # A content without a role is the user's.
        ("contents", "*", "role"),
        ("contents", "*", "parts", "*", "inlineData", "mimeType"),
        # A schema makes JSON of the answer.
        ("generationConfig", "responseMimeType"),
        # Whoever is asked to think shows it.
        ("generationConfig", "thinkingConfig", "includeThoughts"),
    },
}
"""Leaves that may go without a word: the same is meant without them."""


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where the scalars are; a schema or the arguments of a call are one leaf each field deep."""
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path


def without(body: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """The body without one leaf."""
    changed = copy.deepcopy(body)
    at: Any = changed
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return changed


def become(caller: str, provider: str, abilities: Abilities, body: dict[str, Any]) -> tuple[Any, ...]:
    """What a request becomes: the provider's body and the losses, or the refusal."""
    target = Target("m", provider, vendor="v", family=FAMILIES.get(provider, "openai"), abilities=abilities)
    said = FromPath(model="m", stream=False) if caller == "gemini" else FromPath()
    losses = Losses()
    try:
        fields = toplevel.decode(msgspec.json.encode(body), 128)
        conversation = CALLERS[caller].decode_request(fields, said, losses)
        return PROVIDERS[provider].encode_request(conversation, target, losses), losses.paths
    except GatewayError as error:
        return error.param, error.message


def acceptable(caller: str, provider: str, abilities: Abilities) -> dict[str, Any]:
    """The rich request without the top-level fields that this provider must refuse."""
    body = copy.deepcopy(BODIES[caller])
    for _ in range(len(body)):
        became = become(caller, provider, abilities, body)
        if isinstance(became[0], bytes):
            return body
        name = str(became[0]).partition(".")[0].partition("[")[0]
        assert name in body, f"refused, and not by a field of the request: {became}"
        del body[name]
    raise AssertionError("nothing is left")


def listed(path: tuple[str | int, ...], losses: tuple[str, ...]) -> bool:
    """Whether a loss names the leaf, or what it stands in."""
    spelled = bare = ""
    for step in path:
        if isinstance(step, int):
            spelled += f"[{step}]"
        else:
            spelled += f".{step}" if spelled else step
            bare += f".{step}" if bare else step
        # Histories are accounted for as a whole, without the number of the message; breakpoints without their place.
        if (
            spelled in losses
            or bare in losses
            or f"{path[0]}.{step}" in losses
            or (step == "cache_control" and step in losses)
        ):
            return True
    return False


def like(path: tuple[str | int, ...]) -> tuple[str, ...]:
    return tuple("*" if isinstance(step, int) else step for step in path)


@pytest.mark.parametrize("abilities", [RICH, POOR], ids=["rich", "poor"])
@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name not in {"completions", "compact"}])
@pytest.mark.parametrize("caller", list(BODIES))
def test_no_leaf_vanishes(caller: str, provider: str, abilities: Abilities) -> None:
    body = acceptable(caller, provider, abilities)
    whole = become(caller, provider, abilities, body)
    vanished = [
        like(path)
        for path in leaves(body)
        if path != ("model",)
        and not listed(path, whole[1])
        and become(caller, provider, abilities, without(body, path)) == whole
    ]
    assert sorted(set(vanished) - MEANT_ANYWAY[caller]) == [], whole
