"""The scenarios that every cell goes through: what is asked, and what the provider answers."""

from dataclasses import dataclass

from tests.cells.question import PDF, PLACE, PNG, Question
from tests.fakes import Scene, Trouble
from tests.fakes.scene import Call, Refuse, Say, Stop, Tokens

SEAL = "c2VhbGVkIHJlYXNvbmluZw=="
"""Base64: Gemini takes nothing else."""
TEXT = 'Grüß Gott, 世界 "quoted" \\ \u2028 end.'
PARIS = Call("weather", '{"city": "Paris", "n": 1.50}', "call_A1")
CET = Call("time", '{"zone": "CET"}', "call_A2")


@dataclass(frozen=True)
class Scenario:
    """One question and its answer."""

    question: Question
    scene: Scene | Trouble


FETCHED = "fetched"
"""In place of the URL of a picture, which is known only when the provider runs."""

ANSWERED: dict[str, Scenario] = {
    "text": Scenario(Question("Say 'hello' in 世界.", cap=64), Scene((Say(TEXT),))),
    "tools": Scenario(Question("Weather?", tools=("weather", "time")), Scene((PARIS,), "tools")),
    "parallel_tools": Scenario(
        Question("Weather and time?", tools=("weather", "time")), Scene((Say("Both."), PARIS, CET), "tools")
    ),
    "image_url": Scenario(Question("What is it?", image_url=FETCHED), Scene((Say("A cat."),))),
    "image_base64": Scenario(Question("What is it?", image=PNG), Scene((Say("A cat."),))),
    "pdf": Scenario(Question("Sum it up.", pdf=PDF), Scene((Say("It is empty."),))),
    "json_schema": Scenario(Question("Where?", schema=PLACE), Scene((Say('{"city": "Paris"}'),))),
    "refusal": Scenario(Question("Something bad."), Scene((Refuse("I will not."),), "refusal")),
    "length": Scenario(Question("Tell all.", cap=64), Scene((Say("It began"),), "length")),
    "stop_sequence": Scenario(Question("Count.", stops=("END",)), Scene((Say("1 2 "),), "stop_sequence", "END")),
    "cached_usage": Scenario(Question("Again."), Scene((Say("Yes."),), tokens=Tokens(11, 1_024, 256, 5, 0))),
    "reasoned_usage": Scenario(Question("Think."), Scene((Say("Yes."),), tokens=Tokens(11, 0, 0, 5, 32))),
}
"""What ends with an answer."""

FAILED: dict[str, Scenario] = {
    "error_400": Scenario(Question(), Trouble(400, "The word 'bad' is not allowed.")),
    "error_500": Scenario(Question(), Trouble(500)),
    "error_529": Scenario(Question(), Trouble(529, "Overloaded")),
    "error_midway": Scenario(Question(), Scene((Say("Hello from the fake provider."),), fails="error")),
    "disconnect": Scenario(Question(), Scene((Say("Hello from the fake provider."),), fails="cut")),
}
"""What ends with an error: before an answer, or within it."""


def told_stop(stop: Stop, provider: str) -> Stop:
    """What a provider's own words tell of why it stopped: only Anthropic says that it met a stop sequence."""
    return "end" if stop == "stop_sequence" and provider != "messages" else stop


def told_tokens(tokens: Tokens, provider: str) -> Tokens:
    """What a provider's own counts tell: Gemini counts no writes to a cache, Anthropic no reasoning."""
    if provider == "gemini":
        return Tokens(tokens.text + tokens.write, tokens.read, 0, tokens.said, tokens.thought)
    if provider == "messages":
        return Tokens(tokens.text, tokens.read, tokens.write, tokens.given, 0)
    return tokens
