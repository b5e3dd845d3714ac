"""Prices of the tests' models, and what a use of them is worth: counted here by fractions, apart from the gateway."""

import json
from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Any

from tests.fakes.scene import Tokens

ODD = {
    "input": 1_234_567_891,
    "output": 4_999_999_999,
    "cache_read": 123_456_789,
    "cache_write": 1_543_209_877,
    "cache_write_1h": 2_469_135_803,
    "reasoning": 6_000_000_007,
}
"""Nano-USD per million tokens; no product of a few tokens comes out even."""
PLAIN = {"input": 1_000_000_000, "output": 10_000_000_000}
"""1,000 nano-USD a token of the prompt, 10,000 a token of the answer; what is cached costs like the prompt."""
DEAR = {"input": 1_000_000_000, "output": 1_000_000_000_000}
"""A thousandth of a USD a token of the answer."""
FREE = {"input": 0, "output": 0}

PRICES: dict[str, Mapping[str, int]] = {
    "chat/fake-1": ODD,
    "responses/fake-1": ODD,
    "messages/claude-sonnet-4-5": ODD,
    "gemini/gemini-3-pro": ODD,
    "plain/fake-1": PLAIN,
    "dear/fake-1": DEAR,
    "drains/fake-1": PLAIN,
    "drains-1s/fake-1": PLAIN,
    "dark/fake-1": PLAIN,
    "faulty/fake-1": PLAIN,
    "second/fake-1": PLAIN,
    "free/fake-1": FREE,
}
MILLION = 1_000_000
BUCKETS: dict[str, tuple[str, ...]] = {
    "in_text": ("input",),
    "in_audio": ("input_audio", "input"),
    "in_image": ("input_image", "input"),
    "cache_read": ("cache_read", "input"),
    "cache_write_5m": ("cache_write", "input"),
    "cache_write_1h": ("cache_write_1h", "cache_write", "input"),
    "out_text": ("output",),
    "out_reasoning": ("reasoning", "output"),
    "out_audio": ("output_audio", "output"),
    "out_image": ("output_image", "output"),
}
"""Which price each class of tokens has: the first that is written."""


def toml(model: str, prices: Mapping[str, int]) -> str:
    """The entry of the configuration."""
    return f"[prices.{json.dumps(model)}]\n" + "".join(f"{name} = {price}\n" for name, price in prices.items())


def worth(used: Mapping[str, Any], prices: Mapping[str, int], margin: Fraction = Fraction(1)) -> int:
    """Nano-USD for counts by bucket (a usage row is one): exact, and rounded up once."""
    exact = Fraction(0)
    for bucket, names in BUCKETS.items():
        price = next((prices[name] for name in names if name in prices), 0)
        exact += Fraction(int(used.get(bucket, 0)) * price, MILLION)
    return ceil(exact * margin)


def buckets(dialect: str, tokens: Tokens) -> dict[str, int]:
    """What a provider of that dialect tells of its counts: not all of them tell all classes apart."""
    match dialect:
        case "messages":
            return _used(tokens.text, tokens.read, tokens.write, tokens.write_1h, tokens.given, 0)
        case "gemini":
            return _used(tokens.text + tokens.write + tokens.write_1h, tokens.read, 0, 0, tokens.said, tokens.thought)
        case _:
            return _used(tokens.text, tokens.read, tokens.write + tokens.write_1h, 0, tokens.said, tokens.thought)


def _used(text: int, read: int, write: int, write_1h: int, said: int, thought: int) -> dict[str, int]:
    names = ("in_text", "cache_read", "cache_write_5m", "cache_write_1h", "out_text", "out_reasoning")
    return dict(zip(names, (text, read, write, write_1h, said, thought), strict=True))
