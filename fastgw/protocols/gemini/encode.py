"""A conversation as the body of `:generateContent`; the path names the model and whether the answer is streamed."""

from typing import Any

import msgspec

from fastgw.protocols.gemini.encode_config import Settings
from fastgw.protocols.gemini.encode_parts import History
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, user_of
from fastgw.protocols.hub.target import Target

_encode = msgspec.json.Encoder().encode
_TIERS = ("priority", "flex", "standard")
"""Names that Google shares with others (google-genai's `ServiceTier`, 3.4.0)."""
_NESTED = ("generationConfig.", "toolConfig.")


def request(conversation: Conversation, target: Target, losses: Losses) -> bytes:
    """Raises `GatewayError` (400) for what would change the meaning."""
    history = History(conversation, target, losses)
    settings = Settings(conversation, target, losses)
    system, contents = history.system(), history.contents()
    generation = settings.generation()
    tools, calling = settings.tools()
    if settings.hint:
        system.append({"text": settings.hint})
    if not contents:
        # Instructions alone are asked as a user: contents are demanded.
        contents, system = [{"role": "user", "parts": system or [{"text": " "}]}], []
    body: dict[str, Any] = {"contents": contents}
    if system:
        body["systemInstruction"] = {"parts": system}
    if tools:
        body["tools"] = tools
    tool_config: dict[str, Any] = {"functionCallingConfig": calling} if calling else {}
    if conversation.origin == "gemini":
        _restore(conversation, body, {"generationConfig.": generation, "toolConfig.": tool_config})
    else:
        losses.foreign(conversation.same)
        _lose(conversation, losses)
    _tier(conversation, body, losses)
    if conversation.stateless and conversation.origin == "gemini":
        # Google keeps no answers of generateContent unless told to; another caller's wish needs no field.
        body["store"] = False
    if tool_config:
        body["toolConfig"] = tool_config
    if generation:
        body["generationConfig"] = generation
    for name, value in target.abilities.extra.items():
        body.setdefault(name, value)
    return _encode(body)


def _restore(conversation: Conversation, body: dict[str, Any], nested: dict[str, dict[str, Any]]) -> None:
    for name, value in conversation.same.items():
        for prefix in _NESTED:
            if name.startswith(prefix):
                if "." not in (inner := name.removeprefix(prefix)):
                    nested[prefix][inner] = value
                break
        else:
            body[name] = value


def _tier(conversation: Conversation, body: dict[str, Any], losses: Losses) -> None:
    said = conversation.service_tier
    if said and (conversation.origin == "gemini" or said in _TIERS):
        body["serviceTier"] = said
    elif said and said not in ("auto", "default"):
        losses.drop(field_of(conversation.origin, "service_tier"))


def _lose(conversation: Conversation, losses: Losses) -> None:
    """Settings that Google has no word for."""
    if conversation.user:
        losses.drop(user_of(conversation))
    if conversation.cache_key:
        losses.drop(field_of(conversation.origin, "cache_key"))
