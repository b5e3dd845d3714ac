"""What the tests of the Messages dialect share: lanes, conversations, and the way through the hub."""

import json
from typing import Any

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import Conversation, Part, Role, Text, Turn
from fastgw.protocols.hub.dialect import FromPath, Setting
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import SAME, Abilities, Target
from fastgw.protocols.messages.dialect import DIALECT
from tests.conformance.sdk_types import assert_messages

CLAUDE = Abilities(
    tool_images=True,
    document_url=True,
    cache_control=True,
    web_search="tool",
    reasoning="adaptive",
    temperature_max=1.0,
)
"""A current model, with sampling."""
WHOLE = Target(model="claude", dialect="messages", family="anthropic", abilities=SAME.abilities)
"""Takes everything."""


def lane(**abilities: Any) -> Target:
    """A lane to a current model that differs in these abilities."""
    known = msgspec.structs.replace(CLAUDE, **abilities)
    return Target(model="claude", dialect="messages", family="anthropic", abilities=known)


def said(role: Role, *parts: Part | str, **more: Any) -> Turn:
    """A turn of a caller of chat."""
    return Turn(role, tuple(Text(part) if isinstance(part, str) else part for part in parts), **more)


def asked(*turns: Turn, origin: str = "chat", **more: Any) -> Conversation:
    """A question, `hello` if no turn is given."""
    return Conversation(origin=origin, turns=turns or (said("user", "hello"),), **more)


def sent(conversation: Conversation, target: Target | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body for a provider, which the SDK could have sent, and what is lost."""
    losses = Losses()
    body = json.loads(DIALECT.encode_request(conversation, target or lane(), losses))
    # The SDK has no sampling parameters any more; the API has them in its older version.
    assert_messages({name: value for name, value in body.items() if name not in ("temperature", "top_p", "top_k")})
    return body, losses.paths


def heard(body: dict[str, Any], version: str = "2023-06-01") -> tuple[Conversation, tuple[str, ...]]:
    """A caller's request as a conversation, and what is lost. `model`, a cap and a message are there if unsaid."""
    full = {"model": "claude", "max_tokens": 4_096, "messages": [{"role": "user", "content": "hello"}]} | body
    losses = Losses()
    fields = toplevel.decode(json.dumps(full).encode(), 128)
    return DIALECT.decode_request(fields, FromPath(version=version), losses), losses.paths


def setting(**more: Any) -> Setting:
    """Of an answer to `hello`."""
    values: dict[str, Any] = {
        "exchange_id": "01JX", "model": "as-asked", "created_s": 1, "conversation": asked(origin="messages"),
        "fields": {}, "family": "anthropic", "prompt_tokens_estimate": 7,
    }  # fmt: skip
    return Setting(**(values | more))
