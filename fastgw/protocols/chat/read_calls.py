"""Tool calls in pieces, told apart although providers number and name them each in their own way.

Seen in the wild (2024 to 2026): no index at all; indices that begin at 1 or 5; index 0 for every call; an id on each
piece, the same or a new one; a name on each piece; pieces of several calls in turn; a whole call in one piece.
"""

from typing import Protocol

import msgspec

from fastgw.protocols.chat import read_extras
from fastgw.protocols.chat.read_wire import Call, Function
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Kind, Seal
from fastgw.protocols.hub.sealed import Sealed

CALLS_MAX = 1_024
"""Of one choice; what a provider sends beyond is left out."""
ARGUMENTS_CHARS_MAX = 1024 * 1024
"""Of one call that are looked into; longer ones are passed on all the same."""

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Numbers(Protocol):
    def take(self) -> int: ...


class _Open:
    __slots__ = ("at", "chars", "ended", "id", "index", "name", "pieces")

    def __init__(self, index: int | None, call_id: str, name: str) -> None:
        self.at = -1
        """Its block, -1 until its name has come."""
        self.index = index
        self.id = call_id
        self.name = name
        self.pieces: list[str] = []
        """Its arguments so far, up to `ARGUMENTS_CHARS_MAX`; only to see whether they are whole."""
        self.chars = 0
        self.ended = False

    def add(self, text: str) -> None:
        """Take a piece of the arguments."""
        self.chars += len(text)
        if self.chars <= ARGUMENTS_CHARS_MAX:
            self.pieces.append(text)

    def whole(self) -> bool:
        """Its arguments are a whole JSON object."""
        if not self.pieces or self.chars > ARGUMENTS_CHARS_MAX or not self.pieces[-1].rstrip().endswith("}"):
            return False
        try:
            _object.decode("".join(self.pieces))
        except (msgspec.MsgspecError, RecursionError):
            return False
        return True


class Calls:
    """The calls of one choice."""

    __slots__ = ("_calls", "_choice", "_family", "_last", "_numbers")

    def __init__(self, choice: int, numbers: _Numbers, family: str) -> None:
        self._choice = choice
        self._numbers = numbers
        self._family = family
        self._calls: list[_Open] = []
        self._last: _Open | None = None

    def take(self, call: Call, out: list[Event], *, index: int | None = None) -> None:
        """Add a piece. `index`: its place in a whole answer, where each piece is a call."""
        custom = call.custom is not None
        name = (call.custom.name if call.custom else call.function.name if call.function else None) or ""
        text = (call.custom.input if call.custom else call.function.arguments if call.function else None) or ""
        found = self._find(call.index if index is None else index, call.id or "", name, text)
        begun = found is not None
        if found is None:
            if len(self._calls) >= CALLS_MAX:
                return
            self.settle(out)
            found = _Open(call.index if index is None else index, call.id or "", name)
            self._calls.append(found)
        self._last = found
        if text:
            found.add(text)
        if found.at < 0:
            found.id, found.name = found.id or call.id or "", found.name or name
            if not found.name:
                return
            if begun:
                text = "".join(found.pieces)
            found.at = self._numbers.take()
            kind = Kind.CUSTOM_CALL if custom else Kind.TOOL_CALL
            out.append(BlockStart(found.at, kind, found.id, found.name, choice=self._choice))
        if call.extra_content:
            signature = read_extras.signature(call.extra_content)
            if signature:
                out.append(Seal(found.at, Sealed(self._family, signature)))
        if text:
            out.append(Delta(found.at, text))

    def take_legacy(self, function: Function, out: list[Event]) -> None:
        """Add a piece of the one call that the old `function_call` knows."""
        self.take(Call(index=0, function=function), out)

    @property
    def any(self) -> bool:
        """A call has begun."""
        return any(call.at >= 0 for call in self._calls)

    def settle(self, out: list[Event]) -> None:
        """End the calls that are whole, so that what follows need not wait for them."""
        for call in self._calls:
            if call.at >= 0 and not call.ended and call.whole():
                call.ended = True
                out.append(BlockEnd(call.at))

    def _find(self, index: int | None, call_id: str, name: str, text: str) -> _Open | None:
        """The call that a piece belongs to, None if it begins one."""
        if index is None:
            return self._without_index(call_id, name)
        found = next((call for call in reversed(self._calls) if call.index == index), None)
        if found is None or not call_id or call_id == found.id or not name:
            return found
        if not found.id and not found.pieces:
            return found
        # Another id and a name under a number that is taken: a new call if the old one is whole (or of another name).
        same = next((call for call in self._calls if call.id == call_id), None)
        if same is not None:
            return same
        return None if found.whole() or (not found.pieces and found.name != name) else found

    def _without_index(self, call_id: str, name: str) -> _Open | None:
        if call_id:
            same = next((call for call in reversed(self._calls) if call.id == call_id), None)
            if same is not None or name:
                return same
        elif name:
            return None
        return self._last
