"""Answers that a caller streamed, put together again.

google-genai's chats send each chunk back as a content of its own (3.4.0): a word of text, a piece of reasoning, the
signature behind it. To another dialect such a history would be a crowd of messages, and a call parted from its result.
"""

from itertools import groupby

from fastgw.protocols.gemini import seals
from fastgw.protocols.hub.conversation import Part, Role, Text, Thought

Told = tuple[Role, list[Part], bool]
"""Role, parts, and whether it was a bare text."""


def rejoined(turns: list[Told]) -> list[Told]:
    """The same history, with the contents of the model that follow each other as one turn.

    A text or thought that goes on at their border is one again, and the chunks without content are gone. Another
    family's seal signs all of the reasoning before it, so there the pieces inside one content are joined too.
    """
    if not _in_pieces(turns):
        return turns
    made: list[Told] = []
    for told, group in groupby(turns, key=lambda turn: turn[0] == "assistant"):
        contents = list(group)
        if told:
            parts = contents[0][1] if len(contents) == 1 else _whole([parts for _, parts, _ in contents])
            made.append(("assistant", _signed(parts), len(contents) == 1 and contents[0][2]))
        else:
            made += contents
    return made


def _in_pieces(turns: list[Told]) -> bool:
    """Contents of the model follow each other, or one holds reasoning that may be in pieces."""
    before = ""
    for role, parts, _ in turns:
        if role == "assistant" and (role == before or any([isinstance(part, Thought) for part in parts])):
            return True
        before = role
    return False


def _whole(contents: list[list[Part]]) -> list[Part]:
    made: list[Part] = []
    run: list[Text | Thought] = []
    for parts in contents:
        for number, part in enumerate([part for part in parts if part != Text("")]):
            goes_on = number == 0 and run and run[-1].sealed is None and type(part) is type(run[0])
            if not goes_on or (isinstance(part, Thought) and part.redacted):
                made += _flushed(run)
                run = []
            if isinstance(part, Text | Thought):
                run.append(part)
            else:
                made.append(part)
    return [*made, *_flushed(run)] or [Text("")]


def _flushed(run: list[Text | Thought]) -> list[Part]:
    if len(run) < 2:
        return [*run]
    text = "".join([part.text for part in run])
    return [Thought(text, run[-1].sealed) if isinstance(run[0], Thought) else Text(text, sealed=run[-1].sealed)]


def _signed(parts: list[Part]) -> list[Part]:
    made: list[Part] = []
    unsigned: list[Thought] = []
    for part in parts:
        if isinstance(part, Thought) and part.sealed is None:
            unsigned.append(part)
            continue
        if isinstance(part, Thought) and part.sealed and part.sealed.family != seals.FAMILY and not part.redacted:
            made.append(Thought("".join([each.text for each in unsigned]) + part.text, part.sealed))
        else:
            made += [*unsigned, part]
        unsigned.clear()
    return made + unsigned
