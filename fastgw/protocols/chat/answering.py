"""What stream and unary answers of chat have in common: ids, stop words, custom tools, seals, citations."""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.protocols.chat import carriers
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import Finish, Kind, StopReason
from fastgw.protocols.hub.ids import minted, tool_id
from fastgw.protocols.hub.sealed import Sealed, tagged

FINGERPRINT = "fp_fastgw"
"""`system_fingerprint`: providers of other dialects have none, and clients expect a text."""
CALLS = (Kind.TOOL_CALL, Kind.CUSTOM_CALL)

_WORDS = {
    StopReason.END: "stop",
    StopReason.LENGTH: "length",
    StopReason.CONTEXT_FULL: "length",
    StopReason.STOP_SEQUENCE: "stop",
    StopReason.TOOLS: "tool_calls",
    StopReason.REFUSAL: "content_filter",
    StopReason.PAUSE: "stop",
    StopReason.MALFORMED_CALL: "stop",
}


_MALFORMED = "The model wrote a tool call that cannot be read."


class _Wrapped(msgspec.Struct, forbid_unknown_fields=True):
    input: str


_wrapped = msgspec.json.Decoder(_Wrapped)


class Answering:
    """One answer to a chat caller."""

    __slots__ = ("_custom", "_ids", "id", "legacy", "setting")

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.id = f"chatcmpl-{setting.exchange_id}"
        self.legacy = "functions" in setting.fields and "tools" not in setting.fields
        """The caller uses the old `functions` and expects `function_call`."""
        self._custom = frozenset(tool.name for tool in setting.conversation.tools if tool.kind == "custom")
        self._ids: set[str] = set()

    def call_id(self, given: str) -> str:
        """The caller's id for a call: the provider's own as far as it can be kept, and never twice."""
        made = tool_id(given, "call_") if given else ""
        if not made or made in self._ids:
            made = minted("call_", self.setting.exchange_id, len(self._ids))
        self._ids.add(made)
        return made

    def is_custom(self, kind: Kind, name: str) -> bool:
        """The caller declared this tool as a custom one."""
        return kind is Kind.CUSTOM_CALL or name in self._custom

    def finish_reason(self, finish: Finish, *, called: bool) -> str:
        """OpenAI's word."""
        if finish.reason is StopReason.TOOLS:
            return "stop" if not called else "function_call" if self.legacy else "tool_calls"
        return _WORDS[finish.reason]


def refusal_of(finish: Finish) -> str:
    """What a caller is told in `refusal` although the answer has none: a filter's words, or that a call is missing."""
    if finish.reason is StopReason.MALFORMED_CALL:
        return finish.words or _MALFORMED
    return finish.words if finish.reason is StopReason.REFUSAL else ""


def free_text(arguments: str) -> str:
    """A custom tool's input out of the arguments of the function that stood for it."""
    try:
        return _wrapped.decode(arguments).input
    except (msgspec.MsgspecError, RecursionError):
        return arguments


def detail(sealed: Sealed, words: str, *, redacted: bool, index: int) -> carriers.Item:
    """One item of `reasoning_details`, which the caller sends back."""
    return carriers.detail(tagged(sealed, ""), words, redacted=redacted, index=index)


def annotations(citations: Iterable[tuple[Citation, int, int]]) -> list[Any]:
    """`annotations` of citations, each with the start and the length of the text that it belongs to.

    Only those with a URL: chat has no other kind.
    """
    made = []
    for citation, start, length in citations:
        if not citation.url:
            continue
        placed = citation.kind == "url" and citation.end > citation.start
        where = (start + citation.start, start + citation.end) if placed else (start, start + length)
        made.append({
            "type": "url_citation",
            "url_citation": {
                "start_index": where[0], "end_index": where[1], "url": citation.url, "title": citation.title,
            },
        })  # fmt: skip
    return made
