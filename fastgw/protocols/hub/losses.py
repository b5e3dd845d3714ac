"""What cannot be carried over to another dialect: listed, or refused. Nothing is lost unseen."""

from collections.abc import Iterable
from typing import NoReturn

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub.conversation import Opaque

LISTED_MAX = 64
"""Losses that are named; the rest is only counted."""


MEANING = {
    "previous_response_id": "only a provider that speaks Responses keeps earlier answers. Send the whole history.",
    "conversation": "only a provider that speaks Responses keeps conversations. Send the whole history.",
    "background": "only a provider that speaks Responses answers in the background. Leave it out.",
    "prompt": "only a provider that speaks Responses keeps prompt templates. Send the text of the prompt.",
    "item_reference": "only a provider that speaks Responses keeps items. Send the item itself.",
    "compaction": "only the provider that compacted the history can read it. Send the history itself.",
    "audio": "only a provider that speaks OpenAI's chat answers with sound. Ask for text.",
    "thread": "only Anthropic keeps threads of messages. Send the whole history.",
    "cachedContent": "only the provider that keeps the cached content knows it. Send the content itself.",
    "suffix": "it continues text but does not fill gaps. Leave it out.",
    "echo": "it does not repeat the prompt. Put the prompt before the answer yourself.",
    "prompt[0]": "it takes text, not tokens. Send the text.",
    "prompt[1]": "it answers one prompt at a time. Ask once for each.",
    "generationConfig.responseModalities": "it answers in text. Ask for text alone.",
    "generationConfig.responseMimeType": "it knows text and JSON. Ask for `text/plain` or `application/json`.",
}
"""Fields of `Conversation.same`, and kinds of `Opaque` parts, on which the meaning of an answer hangs, and why no other
dialect has them."""


class Losses:
    """Collects the losses of one translation, each by the JSON path of the caller's field."""

    __slots__ = ("_more", "_paths")

    def __init__(self) -> None:
        self._paths: dict[str, None] = {}
        self._more = 0

    def drop(self, path: str) -> None:
        """Leave `path` out: it only tunes. The caller is told in a header, or refused if its key is strict."""
        if len(self._paths) < LISTED_MAX:
            self._paths[path] = None
        elif path not in self._paths:
            self._more += 1

    def refuse(self, path: str, why: str) -> NoReturn:
        """Stop: without `path` the answer would mean something else. `why` ends the sentence: a reason and a remedy."""
        raise GatewayError(
            ErrorKind.BAD_REQUEST, f"'{path}' cannot be served by this model's provider: {why}", param=path
        )

    def foreign(self, names: Iterable[str]) -> None:
        """Leave out fields that only another dialect knows (`Conversation.same`). Refuses those of `MEANING`."""
        for name in names:
            if name in MEANING:
                self.refuse(name, MEANING[name])
            self.drop(name)

    def opaque(self, part: Opaque) -> None:
        """Leave out a part that only another dialect knows. Refuses what the question hangs on."""
        path = part.path or part.kind
        why = MEANING.get(part.kind) or ("no other dialect has such a thing. Leave it out." if part.asked else "")
        if why:
            raise GatewayError(
                ErrorKind.BAD_REQUEST,
                f"'{path}' of type '{part.kind}' cannot be served by this model's provider: {why}",
                param=path,
            )
        self.drop(path)

    @property
    def paths(self) -> tuple[str, ...]:
        """What was dropped, in order, without duplicates; the last says how many more, if any."""
        return (*self._paths, f"+{self._more} more") if self._more else tuple(self._paths)

    def __bool__(self) -> bool:
        return bool(self._paths)
