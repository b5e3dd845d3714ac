"""The order in which the candidates of one exchange are tried. Pure: the time and the turn are passed in."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import groupby

from fastgw.exchange import Candidate


def select(
    candidates: Sequence[Candidate], cooling: Mapping[tuple[str, str], int], now_ms: int, turn: int
) -> tuple[Candidate, ...]:
    """The candidates in the order to try: preference first, credentials of one target in rotation, cooling ones last.

    `cooling` maps (provider, credential) to the time until which it is spared, in the clock of `now_ms`. `turn` is any
    whole number; counting it up by one per exchange spreads exchanges evenly over the credentials of a target. Nothing
    is lost: with every candidate cooling, the one that is ready first is tried first.
    """
    if len(candidates) == 1:
        return (candidates[0],)
    rotated: list[Candidate] = []
    for _, group in groupby(candidates, key=_target):
        same = list(group)
        start = turn % len(same)
        rotated += same[start:] + same[:start]
    return _ready_first(rotated, cooling, now_ms)


def _ready_first(
    ordered: Sequence[Candidate], cooling: Mapping[tuple[str, str], int], now_ms: int
) -> tuple[Candidate, ...]:
    if not cooling:
        return tuple(ordered)
    # The sort is stable: those that are ready keep their order and stand before the rest.
    return tuple(sorted(ordered, key=lambda one: max(cooling.get((one.provider, one.credential), 0) - now_ms, 0)))


def stick(
    candidates: Sequence[Candidate], who: str, cooling: Mapping[tuple[str, str], int], now_ms: int
) -> tuple[Candidate, ...]:
    """The candidates with the credentials of each target in an order of its own for `who`, the same each time while
    none is `cooling`, as in `select`.

    Rendezvous hashing: when a credential comes or goes, only those who had it move.
    """
    ordered: list[Candidate] = []
    for _, group in groupby(candidates, key=_target):
        ordered += sorted(group, key=lambda one: blake2b(f"{who} {one.provider} {one.credential}".encode()).digest())
    return _ready_first(ordered, cooling, now_ms)


def pin(candidates: Sequence[Candidate], who: str, dialect: str) -> tuple[Candidate, ...]:
    """The one candidate of `dialect` that `who` sticks to; all of them if none speaks it."""
    speaking = [one for one in candidates if one.dialect == dialect]
    # Whether it is cooling or not: no other one knows what is asked about.
    return stick(speaking, who, {}, 0)[:1] if speaking else tuple(candidates)


def _target(candidate: Candidate) -> str:
    return candidate.public_model
