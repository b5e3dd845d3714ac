"""The order of candidates: laws that hold for any state of the world."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fastgw.dataplane.routing.select import pin, select, stick
from fastgw.exchange import Candidate


def candidate(provider: str, credential: str, model: str = "m") -> Candidate:
    return Candidate(provider, model, f"{provider}/{model}", credential, "http://h", b"/", ())


A0, A1, A2, B0 = candidate("a", "0"), candidate("a", "1"), candidate("a", "2"), candidate("b", "0")


def test_turns_rotate_the_credentials_of_a_target_and_keep_the_targets() -> None:
    assert select([A0, A1, A2, B0], {}, 0, 0) == (A0, A1, A2, B0)
    assert select([A0, A1, A2, B0], {}, 0, 4) == (A1, A2, A0, B0)


def test_cooling_candidates_come_last_the_earliest_ready_first() -> None:
    assert select([A0, A1, B0], {("a", "0"): 200, ("a", "1"): 150}, 100, 0) == (B0, A1, A0)
    assert select([A0, A1, B0], {("a", "0"): 100}, 100, 0) == (A0, A1, B0)
    assert select([A0, B0], {("a", "0"): 300, ("b", "0"): 200}, 100, 0) == (B0, A0)


LANES = st.tuples(st.sampled_from("abc"), st.sampled_from("012"))
LISTS = st.lists(LANES, min_size=1, max_size=9, unique=True).map(
    lambda lanes: [candidate(*lane) for lane in sorted(lanes)]
)


@given(LISTS, st.dictionaries(LANES, st.integers(0, 50)), st.integers(0, 50), st.integers())
def test_nothing_is_lost_and_the_ready_stand_first(
    candidates: list[Candidate], cooling: dict[tuple[str, str], int], now_ms: int, turn: int
) -> None:
    ordered = select(candidates, cooling, now_ms, turn)
    assert sorted(map(repr, ordered)) == sorted(map(repr, candidates))
    waits = [max(cooling.get((one.provider, one.credential), 0) - now_ms, 0) for one in ordered]
    assert waits == sorted(waits)
    ready = [one.provider for one, wait in zip(ordered, waits, strict=True) if wait == 0]
    assert ready == sorted(ready), "preference between targets is kept"


@given(LISTS, st.integers(0, 1000))
def test_consecutive_turns_share_the_load_evenly(candidates: list[Candidate], turn: int) -> None:
    size = sum(one.provider == candidates[0].provider for one in candidates)
    first = Counter(select(candidates, {}, 0, turn + step)[0].credential for step in range(size))
    assert set(first.values()) == {1}
    assert len(first) == size


def test_who_sticks_to_a_lane_leaves_it_while_it_is_cooling() -> None:
    first, *rest = stick([A0, A1, A2, B0], "key_1", {}, 0)
    assert stick([A0, A1, A2, B0], "key_1", {}, 0) == (first, *rest)
    assert stick([A0, A1, A2, B0], "key_1", {("a", first.credential): 200}, 100) == (*rest, first)
    assert stick([A0, A1, A2, B0], "key_1", {("a", first.credential): 100}, 100) == (first, *rest)
    assert rest[-1] == B0
    assert {stick([A0, A1, A2], f"key_{number}", {}, 0)[0].credential for number in range(30)} == {"0", "1", "2"}


def test_who_is_pinned_stays_where_its_answer_is_kept() -> None:
    kept = stick([A0, A1, A2], "key_1", {}, 0)[0]
    assert pin([A0, A1, A2, B0], "key_1", "chat") == (kept,)
    assert pin([A0, B0], "key_1", "responses") == (A0, B0)
