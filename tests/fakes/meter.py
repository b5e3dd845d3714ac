"""A provider that counts what it serves: each question says in its own text what is to come of it.

`Plan(...).words()` is such a question; it survives every translation, so that a thousand callers at once get each what
they asked for, and what was served can be priced by somebody else than the gateway.
"""

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tests.fakes import answers, speech
from tests.fakes.answers import End, Step
from tests.fakes.line import Seen
from tests.fakes.provider import Answer
from tests.fakes.scene import Block, Call, Say, Scene, Think, Tokens, Trouble

_PLAN = re.compile(rb"@\{([^}]*)\}")
_WORDS = ("id", "gate")
CAPPED = -1
"""As `said`: the whole cap that the provider was given, reasoning included."""


@dataclass(frozen=True)
class Plan:
    """What a provider is to do with a question. Counts of tokens are disjoint."""

    id: str = "one"
    text: int = 11
    read: int = 0
    write: int = 0
    write_1h: int = 0
    said: int = 7
    thought: int = 0
    beyond: int = 0
    """Tokens said beyond the cap, as a provider does that does not honour it."""
    letters: int = 30
    """Of the answer's text."""
    thinks: int = 0
    """Letters of the reasoning that is shown."""
    calls: int = 0
    """Letters of the arguments of a tool's call."""
    deltas: int = 3
    """Events that each of these comes in."""
    mute: int = 0
    """1: usage is not reported."""
    gap_ms: int = 0
    """Between two events."""
    delay_ms: int = 0
    """Before anything is answered."""
    cut: int = 0
    """The connection ends after so many events, or half-way through a unary answer."""
    hang: int = 0
    """Nothing more comes after so many events."""
    stall: int = 0
    """1: nothing comes at all, until the other side hangs up."""
    fails: int = 0
    """Status of an error that every provider answers with."""
    first_fails: int = 0
    """The same of the provider whose path begins with `/first/`."""
    first_stalls: int = 0
    """1: that one answers nothing at all."""
    gate: str = ""
    """Name of an event that the answer's end waits for."""

    def words(self) -> str:
        """The question's text."""
        told = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return "Please answer. @{" + " ".join(f"{name}={value}" for name, value in told.items()) + "}"


def plan_in(body: bytes) -> Plan:
    """What a question says; the plan of all defaults if it says nothing."""
    found = _PLAN.search(body)
    told = dict(word.split("=") for word in found[1].decode().split()) if found else {}
    read: dict[str, Any] = {name: value if name in _WORDS else int(value) for name, value in told.items()}
    return Plan(**read)


@dataclass
class Served:
    """One request that reached the provider."""

    plan: Plan
    seen: Seen
    dialect: str
    model: str
    stream: bool
    cap: int | None
    """Of the output's tokens, as it reached the provider."""
    tokens: Tokens | None
    """What the answer reports when it comes to its end; None for an error."""

    @property
    def whole(self) -> bool:
        """Whether all of it was sent."""
        return self.tokens is not None and self.seen.done.is_set() and not self.seen.gone.is_set()


@dataclass
class Meter:
    """The default of a `FakeProvider`: `provider.default = meter.answer`."""

    served: list[Served] = field(default_factory=list)
    gates: dict[str, threading.Event] = field(default_factory=dict)

    def gate(self, name: str) -> threading.Event:
        """The event that plans of this gate wait for."""
        return self.gates.setdefault(name, threading.Event())

    def of(self, plan_id: str) -> list[Served]:
        """What was served for a plan."""
        return [one for one in self.served if one.plan.id == plan_id]

    def answer(self, seen: Seen) -> Answer:
        """Serve one request as its plan says, and note it down."""
        plan, dialect, body = plan_in(seen.body), speech.dialect_of(seen.target), seen.json
        cap = _cap(dialect, body)
        model = str(body.get("model") or seen.target.rpartition("/")[2].partition(":")[0])
        status = plan.fails or (plan.first_fails if seen.target.startswith("/first/") else 0)
        tokens = None if status else _tokens(plan, cap)
        self.served.append(Served(plan, seen, dialect, model, speech.streams(seen.target, body), cap, tokens))
        if status or tokens is None:
            return Answer(speech.answer(Trouble(status), seen.target, body), delay_s=plan.delay_ms / 1_000)
        return Answer(self._steps(plan, dialect, seen, tokens), delay_s=plan.delay_ms / 1_000)

    def _steps(self, plan: Plan, dialect: str, seen: Seen, tokens: Tokens) -> Sequence[Step]:
        if plan.stall or (plan.first_stalls and seen.target.startswith("/first/")):
            return (End.STALL,)
        scene = Scene(_blocks(plan), stop="tools" if plan.calls else "end", tokens=tokens, deltas=plan.deltas)
        spoken = speech.DIALECTS[dialect]
        if not speech.streams(seen.target, seen.json):
            told = _silenced(spoken.unary(scene)) if plan.mute else spoken.unary(scene)
            wait: tuple[Step, ...] = (self.gate(plan.gate),) if plan.gate else ()
            data = json.dumps(told).encode()
            if plan.cut:
                head = answers.head(200, (answers.JSON,), length=len(data))
                return (*wait, head + data[: len(data) // 2], 0.05, End.RESET)
            return (*wait, *answers.whole(data))
        frames: Sequence[bytes] = spoken.frames(scene, seen.json)
        if plan.mute:
            frames = [_mute(frame) for frame in frames]
        return self._stream(plan, frames)

    def _stream(self, plan: Plan, frames: Sequence[bytes]) -> Sequence[Step]:
        if plan.cut or plan.hang:
            begun = answers.sse(frames[: plan.cut or plan.hang], gap_s=plan.gap_ms / 1_000, end=End.STALL)[:-1]
            # The events have to arrive: a reset may overtake bytes that were sent.
            return (*begun, End.STALL) if plan.hang else (*begun, 0.1, End.RESET)
        steps = list(answers.sse(frames, gap_s=plan.gap_ms / 1_000))
        if plan.gate:
            # Before the last frames, in which usage and the end are told.
            steps.insert(len(steps) // 2, self.gate(plan.gate))
        return steps


def _cap(dialect: str, body: dict[str, Any]) -> int | None:
    match dialect:
        case "gemini":
            return (body.get("generationConfig") or {}).get("maxOutputTokens")
        case "responses":
            return body.get("max_output_tokens")
        case "messages":
            return body.get("max_tokens")
        case _:
            return body.get("max_completion_tokens", body.get("max_tokens"))


def _tokens(plan: Plan, cap: int | None) -> Tokens:
    counted = {name: value for name, value in asdict(plan).items() if name in Tokens.__dataclass_fields__}
    most = 1 << 30 if cap is None else cap
    if plan.said == CAPPED:
        assert cap is not None, f"no cap has reached the provider: {plan}"
        counted["said"] = most - plan.thought
    counted["thought"] = min(plan.thought, most)
    counted["said"] = min(counted["said"], most - counted["thought"]) + plan.beyond
    return Tokens(**counted)


def _blocks(plan: Plan) -> tuple[Block, ...]:
    made: list[Block] = []
    if plan.thinks:
        made.append(Think(_letters(plan.thinks), seal="c2VhbA=="))
    if plan.letters:
        made.append(Say(_letters(plan.letters)))
    if plan.calls:
        made.append(Call("weather", json.dumps({"city": _letters(plan.calls)}), "call_1"))
    return tuple(made)


def _letters(count: int) -> str:
    return ("lorem ipsum dolor sit amet " * (count // 27 + 1))[:count]


def _mute(frame: bytes) -> bytes:
    head, mark, data = frame.partition(b"data: ")
    if data.startswith(b"[DONE]"):
        return frame
    return head + mark + json.dumps(_silenced(json.loads(data))).encode() + b"\n\n"


def _silenced(told: Any) -> Any:
    """The same without any report of usage."""
    if isinstance(told, list):
        return [_silenced(one) for one in told]
    if not isinstance(told, dict):
        return told
    return {name: _silenced(one) for name, one in told.items() if name not in {"usage", "usageMetadata"}}
