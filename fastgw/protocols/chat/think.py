"""Splits reasoning that comes as `<think>…</think>` at the start of the content, however the stream cuts it."""

_OPEN = "<think>"
_CLOSE = "</think>"


class ThinkSplitter:
    """For one choice. What it gives is what it was fed, without the tags and the blank space around them."""

    __slots__ = ("_held", "_state")

    def __init__(self) -> None:
        self._held = ""
        """Text that may be, or may become, a part of a tag; shorter than a tag once blank space is off."""
        self._state = "start"
        """`start` until the first words tell; `opened` and `inside`: between the tags, before and behind a word;
        `after`: behind them, before a word; then `plain`."""

    def feed(self, text: str) -> tuple[str, str]:
        """The reasoning and the text that are certain now."""
        if self._state == "plain":
            return "", text
        text = self._held + text
        self._held = ""
        thought = ""
        if self._state == "start":
            bare = text.lstrip()
            if not bare.startswith(_OPEN):
                if _OPEN.startswith(bare):
                    self._held = text
                    return "", ""
                self._state = "plain"
                return "", text
            self._state = "opened"
            text = bare[len(_OPEN) :]
        if self._state == "opened":
            text = text.lstrip()
            if not text:
                return "", ""
            self._state = "inside"
        if self._state == "inside":
            thought, closed, rest = text.partition(_CLOSE)
            if not closed:
                kept = _overlap(text)
                self._held = text[len(text) - kept :]
                return text[: len(text) - kept], ""
            self._state = "after"
            text = rest
        text = text.lstrip()
        if text:
            self._state = "plain"
        return thought, text

    def end(self) -> tuple[str, str]:
        """What was held back, now that nothing follows."""
        held, self._held = self._held, ""
        return (held, "") if self._state == "inside" else ("", held)


def _overlap(text: str) -> int:
    """Length of the end of `text` with which the closing tag may begin."""
    return next((n for n in range(min(len(_CLOSE) - 1, len(text)), 0, -1) if _CLOSE.startswith(text[-n:])), 0)
