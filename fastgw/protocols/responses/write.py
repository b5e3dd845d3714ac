"""The stream of a caller of Responses, and the whole answer, which is what the stream's last event holds."""

from collections.abc import Iterable

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors.openai import responses_frame
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Finish,
    Kind,
    LogProbs,
    Seal,
    Start,
    StopReason,
    Used,
)
from fastgw.protocols.hub.ids import minted, tool_id
from fastgw.protocols.responses import seals
from fastgw.protocols.responses.envelope import Envelope, failure
from fastgw.protocols.responses.frames import Frames, Item
from fastgw.protocols.responses.namespaces import split_names
from fastgw.protocols.responses.write_items import Call, Foreign, Picture, Reasoning, WrappedCall
from fastgw.protocols.responses.write_message import Message
from fastgw.usage import Usage

_ITEMS = frozenset((
    "web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools",
    "mcp_approval_request", "local_shell_call", "shell_call", "computer_call", "tool_search_call", "apply_patch_call",
))  # fmt: skip
"""What only this dialect knows, and passes on; other dialects' own blocks have no place in it."""
_CUT_OFF = (StopReason.LENGTH, StopReason.CONTEXT_FULL)
_MALFORMED = GatewayError(ErrorKind.UPSTREAM_BAD_RESPONSE, "The model wrote a tool call that cannot be read.")


class Writer:
    """One streamed answer. Implements `dialect.Writer`."""

    __slots__ = ("_at", "_created", "_custom", "_envelope", "_finish", "_frames", "_item", "_names", "_number",
                 "_output", "_refused", "_setting", "_usage")  # fmt: skip

    def __init__(self, setting: Setting, *, whole: bool = False) -> None:
        """`whole`: only `answer` is wanted, no events."""
        self._setting = setting
        self._envelope = Envelope(setting)
        self._frames = Frames(silent=whole)
        tools = setting.conversation.tools
        self._custom = frozenset(tool.name for tool in tools if tool.kind == "custom")
        self._names = split_names(tools)
        self._created = False
        self._output: list[bytes] = []
        self._item: Item | None = None
        """The one that is open. It is ended only when the next one begins or the answer ends: then it is known whether
        it was cut off."""
        self._at = -1
        """The block that is open, -1 if none is, or one that is left out."""
        self._number = 0
        self._refused = False
        self._finish: Finish | None = None
        self._usage: Usage | None = None

    def write(self, events: Iterable[Event]) -> bytes:
        """The caller's bytes."""
        out: list[bytes] = []
        for event in events:
            kind = event.__class__
            if kind is Delta:
                if event.at == self._at and self._item is not None:  # type: ignore[union-attr]
                    out.append(self._item.delta(event.text))  # type: ignore[union-attr]
            elif kind is BlockStart:
                if not event.choice:  # type: ignore[union-attr]
                    self._begin(event, out)  # type: ignore[arg-type]
            elif kind is BlockEnd:
                if event.at == self._at and self._item is not None:  # type: ignore[union-attr]
                    out.append(self._item.stop())
                    self._at = -1
            elif kind is Used:
                self._usage = event.usage  # type: ignore[union-attr]
            else:
                self._aside(event, out)
        return b"".join(out)

    def end(self) -> bytes:
        """The end of the last item, and the whole response."""
        out: list[bytes] = []
        status, response = self._ended(out)
        out.append(self._frames.say(f"response.{status}", b'"response":' + response))
        return b"".join(out)

    def answer(self) -> bytes:
        """The whole answer as one object, in place of `end`."""
        return self._ended([])[1]

    def fail(self, error: GatewayError) -> bytes:
        """End the stream with an error: the response has failed, if there is one."""
        if not self._created:
            return responses_frame(error, self._frames.number)
        return self._frames.say("response.failed", b'"response":' + self._failed(error))

    def _ended(self, out: list[bytes]) -> tuple[str, bytes]:
        """End the last item. Returns the status of the response, and the response."""
        self._open(out)
        finish = self._finish or Finish(StopReason.END)
        if finish.reason is StopReason.REFUSAL and finish.words and not self._refused:
            self._begin(BlockStart(0, Kind.REFUSAL), out)
            if self._item is not None:
                out += (self._item.delta(finish.words), self._item.stop())
        cut = finish.reason in _CUT_OFF
        self._close(out, "incomplete" if cut else "completed")
        if finish.reason is StopReason.MALFORMED_CALL:
            return "failed", self._failed(_MALFORMED)
        why = "max_output_tokens" if cut else None
        if finish.reason is StopReason.REFUSAL and not self._refused:
            why = "content_filter"
        status = "completed" if why is None else "incomplete"
        return status, self._envelope.response(status, self._output, self._usage, incomplete=why)

    def _failed(self, error: GatewayError) -> bytes:
        return self._envelope.response("failed", self._output, self._usage, error=failure(error))

    def _open(self, out: list[bytes]) -> None:
        if not self._created and not self._frames.silent:
            self._created = True
            response = b'"response":' + self._envelope.response("in_progress")
            out.append(self._frames.say("response.created", response))
            out.append(self._frames.say("response.in_progress", response))

    def _aside(self, event: Event, out: list[bytes]) -> None:
        match event:
            case Start():
                self._open(out)
            case Finish(choice=0):
                self._finish = event
            case Seal(at=at, sealed=sealed) if at == self._at and self._item is not None:
                self._item.seal(sealed)
            case Cite(at=at, citation=citation) if at == self._at and isinstance(self._item, Message):
                out.append(self._item.cite(citation))
            case LogProbs(at=at, tokens=tokens) if at == self._at and isinstance(self._item, Message):
                self._item.logprobs(tokens)

    def _begin(self, start: BlockStart, out: list[bytes]) -> None:
        self._open(out)
        words = start.kind in {Kind.TEXT, Kind.REFUSAL}
        if start.kind is Kind.AUDIO or (start.kind is Kind.OPAQUE and start.name not in _ITEMS):
            return
        if not (words and isinstance(self._item, Message)):
            self._close(out, "completed")
            self._item = self._made(start)
            out.append(self._item.begin())
        self._at = start.at
        if isinstance(self._item, Message):
            self._refused = self._refused or start.kind is Kind.REFUSAL
            out.append(self._item.start(refusal=start.kind is Kind.REFUSAL))

    def _made(self, start: BlockStart) -> Item:
        index = len(self._output)
        match start.kind:
            case Kind.TEXT | Kind.REFUSAL:
                return Message(self._frames, self._id("msg"), index)
            case Kind.REASONING | Kind.REDACTED:
                redacted = start.kind is Kind.REDACTED
                return Reasoning(self._frames, self._id("rs"), index, redacted=redacted)
            case Kind.IMAGE:
                return Picture(self._frames, self._id("ig"), index)
            case Kind.OPAQUE:
                return Foreign(self._frames, self._id(start.name.partition("_")[0]), index)
        exchange_id = self._setting.exchange_id
        call_id = tool_id(start.id, "call_") if start.id else minted("call_", exchange_id, self._number)
        namespace, name = self._names.get(start.name, ("", start.name))
        custom = start.kind is Kind.CUSTOM_CALL
        wrapped = not custom and start.name in self._custom
        kind = WrappedCall if wrapped else Call
        prefix = "ctc" if custom or wrapped else "fc"
        return kind(self._frames, self._id(prefix), index, call_id, name, namespace, custom=custom or wrapped)

    def _close(self, out: list[bytes], status: str) -> None:
        item = self._item
        if item is None:
            return
        self._item = None
        self._at = -1
        self._output.append(item.whole(status))
        out.append(item.done(self._output[-1]))
        carried = ""
        if isinstance(item, Call) and item.sealed is not None:
            carried = seals.carried_by_call(item.call_id, item.sealed)
        elif isinstance(item, Message) and item.sealed is not None and self._setting.conversation.seals:
            carried = seals.carried_by_text(item.sealed)
        if carried:
            carrier = Reasoning(self._frames, self._id("rs"), len(self._output), redacted=False)
            out.append(carrier.begin())
            carrier.encrypted = carried
            self._output.append(carrier.whole("completed"))
            out.append(carrier.done(self._output[-1]))

    def _id(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}_{self._setting.exchange_id}_{self._number}"


def encode_answer(events: Iterable[Event], setting: Setting) -> bytes:
    """A whole answer from well-formed events, none of them `Failed`."""
    writer = Writer(setting, whole=True)
    writer.write(events)
    return writer.answer()
