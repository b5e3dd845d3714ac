"""Reasoning between two calls of one caller: kept behind an answer, brought back in front of a question.

It is a comfort, never a condition: a store that is slow or away costs a caller at most a short wait, and no error.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from fastgw.observe.tasks import spawn
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Fields
from fastgw.protocols.hub.recall import BROUGHT_BYTES_MAX, Kept, Recall, restored, wanted

_log = logging.getLogger("fastgw.remember")

WAIT_MS = 250
"""For the store, before a question goes out without what may be there."""
KEEPING_MAX = 1_000
"""Answers that are being kept at the same time; beyond it, none more."""

KEPT_BYTES_MAX = 64 * 1024
"""Of one answer; a larger one is not kept."""
HOUR_BYTES_MAX = 64 * 1024 * 1024
"""Of all answers that a worker keeps in an hour: the store has better things to hold."""
HELD_BYTES_MAX = 32 * 1024
"""That may come back where a hold has to cover them: they are paid for like any other prompt."""
_HOUR_MS = 3_600_000
TURNS_INLINE_MAX = 5_000
"""A longer history is walked through in a thread: 100,000 turns take 150 ms."""

_CALLS = {
    "chat": (("messages", b"tool_calls"), ("messages", b"function_call")),
    "gemini": (("contents", b"functionCall"), ("contents", b"function_call")),
}
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Kept).decode


def held_bytes(dialect: str, fields: Fields) -> int:
    """How much may come back into the question of a limited account, whose hold has a token for each byte; nothing
    where no calls are seen in it."""
    seen = any(name in fields and word in bytes(fields[name]) for name, word in _CALLS.get(dialect, ()))
    return HELD_BYTES_MAX if seen else 0


class Memory(Protocol):
    """Where it is kept."""

    async def keep(self, owner: str, name: str, kept: bytes) -> None:
        """Keep `kept` for a while."""

    async def recall(self, owner: str, names: Sequence[str]) -> Mapping[str, str]:
        """What is there of `names`."""


class Remember:
    """Brings back to each key what its own calls were answered with."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._keeping = 0
        self._hour_began_ms = 0
        self._hour_bytes = 0

    def keep(self, owner: str, recall: Recall, now_ms: int) -> None:
        """Keep what an answer reasoned, in the background."""
        kept = recall.kept
        if kept is None or self._keeping >= KEEPING_MAX:
            return
        data = _encode(kept)
        if self._has_room(len(data), now_ms):
            self._keeping += 1
            spawn(self._keep(owner, recall.first, data), name="keep reasoning")

    async def bring_back(
        self, owner: str, conversation: Conversation, bytes_max: int = BROUGHT_BYTES_MAX
    ) -> Conversation:
        """The conversation with the reasoning that its turns came without, as far as it is known and fits."""
        if not bytes_max:
            return conversation
        many = len(conversation.turns) > TURNS_INLINE_MAX
        names = await asyncio.to_thread(wanted, conversation) if many else wanted(conversation)
        if not names:
            return conversation
        try:
            async with asyncio.timeout(WAIT_MS / 1_000):
                found = await self._memory.recall(owner, names)
            decoded = {name: _decode(kept) for name, kept in found.items()}
            if many:
                return await asyncio.to_thread(restored, conversation, decoded, bytes_max)
            return restored(conversation, decoded, bytes_max)
        except Exception as exc:  # whatever is wrong with the store, the question can be asked without it
            _log.warning("reasoning of earlier turns cannot be brought back: %r", exc)
            return conversation

    def _has_room(self, size_bytes: int, now_ms: int) -> bool:
        if now_ms - self._hour_began_ms >= _HOUR_MS:
            self._hour_began_ms, self._hour_bytes = now_ms, 0
        if size_bytes > KEPT_BYTES_MAX or self._hour_bytes + size_bytes > HOUR_BYTES_MAX:
            return False
        self._hour_bytes += size_bytes
        return True

    async def _keep(self, owner: str, name: str, kept: bytes) -> None:
        try:
            async with asyncio.timeout(WAIT_MS * 4 / 1_000):
                await self._memory.keep(owner, name, kept)
        except Exception as exc:  # the answer is delivered; only a later turn may miss it
            _log.warning("reasoning cannot be kept: %r", exc)
        finally:
            self._keeping -= 1
