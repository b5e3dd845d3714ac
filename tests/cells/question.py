"""What callers ask, and what they get to hear: the same words for all dialects."""

import json
from dataclasses import dataclass, field
from typing import Any

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TIME = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
TOOLS: dict[str, dict[str, Any]] = {"weather": WEATHER, "time": TIME}
PLACE: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJcOkw7zDtsOfCjIgMCBvYmoKPDw+PgplbmRvYmoKdHJhaWxlcgo8PD4+CiUlRU9GCg=="
IMAGE_URL = "https://images.example/cat.png"
SYSTEM = "You are brief."


@dataclass(frozen=True)
class Question:
    """One question; each caller says it in its own dialect."""

    text: str = "Say hello."
    tools: tuple[str, ...] = ()
    image_url: str = ""
    image: str = ""
    """Base64 of a PNG."""
    pdf: str = ""
    """Base64."""
    schema: dict[str, Any] | None = None
    cap: int | None = None
    stops: tuple[str, ...] = ()
    thinks: bool = False


@dataclass
class Heard:
    """What an answer says to its caller."""

    stop: str = ""
    """In the caller's own word; empty if the answer did not come to its end."""
    sequence: str | None = None
    text: str = ""
    thoughts: str = ""
    refusal: str = ""
    seals: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    """Id, name and decoded arguments."""
    usage: dict[str, int] = field(default_factory=dict)
    """`taken`, `given`, and where the dialect tells them `read`, `write` and `thought`."""
    error: str = ""
    """The message of an error, in or instead of the answer."""
    turn: Any = None
    """The assistant's turn as the dialect's SDK would keep it, for the next question."""


@dataclass(frozen=True)
class Received:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    """It was ended in order."""

    @property
    def json(self) -> Any:
        """Of a unary answer."""
        return json.loads(self.body)

    @property
    def dropped(self) -> list[str]:
        """What the gateway says that it could not carry over."""
        return [one.strip() for one in self.headers.get("x-fastgw-dropped", "").split(",") if one.strip()]


@dataclass
class Asked:
    """What a provider was asked."""

    system: str = ""
    text: str = ""
    """Of the user, all parts together."""
    images: list[str] = field(default_factory=list)
    """URLs and base64."""
    pdfs: list[str] = field(default_factory=list)
    tools: dict[str, Any] = field(default_factory=dict)
    """Schemas by name."""
    schema: Any = None
    """That the answer must have."""
    cap: int | None = None
    stops: list[str] = field(default_factory=list)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    """Id of the call, and its text; Gemini has the function's name for an id."""
    seals: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    """Words of the reasoning beside a seal, where the dialect keeps them together."""
    order: list[str] = field(default_factory=list)
    """Kinds of parts in the assistant's and the tools' turns."""


def frames(body: bytes) -> list[tuple[str, str]]:
    """Name and data of each event of a stream, every one whole; comments are left out."""
    found: list[tuple[str, str]] = []
    assert body.endswith(b"\n\n"), body[-200:]
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            fields = [line.partition(": ") for line in lines]
            assert {name for name, _, _ in fields} <= {"event", "data"}, block
            name = next((value for key, _, value in fields if key == "event"), "")
            found.append((name, "\n".join(value for key, _, value in fields if key == "data")))
    return found
