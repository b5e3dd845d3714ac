"""What the tests with official SDKs before four dialects share: answers to play, and a look at what was asked."""

import re
from typing import Any

import pydantic

from tests.cells.asked import ASKED
from tests.cells.conftest import MODELS
from tests.cells.question import Asked
from tests.cells.scenarios import CET, PARIS, SEAL
from tests.fakes import FakeProvider, Scene
from tests.fakes.scene import Say, Think
from tests.fakes.speech import counts, dialect_of

PROVIDERS = list(MODELS)
TEXT = "Hello from the fake provider."
THOUGHT = "I need both."
LOOK = Scene((Think(THOUGHT, SEAL), Say("Let me look."), PARIS, CET), "tools")
FINE = Scene((Say("Sunny, and noon."),))
PLACE = Scene((Say('{"city": "Paris", "people": 2100000}'),))
RESULTS = ["sunny", "12:00"]


class Place(pydantic.BaseModel):
    """What a structured answer is parsed into."""

    city: str
    people: int


def model(provider: str) -> str:
    """The public name of the provider's model."""
    return f"{provider}/{MODELS[provider]}"


def asked(provider: FakeProvider, dialect: str) -> list[Asked]:
    """All requests, each held against its dialect's description or SDK."""
    found = []
    for seen in provider.requests:
        assert dialect_of(seen.target) == dialect
        assert not counts(seen.target)
        body = _camel(seen.json) if dialect == "gemini" else seen.json
        found.append(ASKED[dialect].read(body))
    return found


def _camel(value: Any) -> Any:
    """Google's SDK writes some names with underscores, which its own dialect gets as they are."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_([a-z])", lambda found: found[1].upper(), key): one if key in {"args", "response"} else _camel(one)
        for key, one in value.items()
    }
