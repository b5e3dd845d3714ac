"""Exchanges that nobody waits for to the end, or that come to none: what was used is charged, and nothing else."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes.meter import Plan
from tests.money_path.conftest import MODELS
from tests.money_path.till import Account, Asked, Till
from tests.money_path.worth import ODD, PLAIN, PRICES, worth
from tests.path.evidence import until

LETTERS = 4_000
SEEN_WORDS = 60
"""How often the word `lorem`, which stands once in 27 letters, has to come before the caller hangs up."""
LETTERS_SEEN = 27 * SEEN_WORDS
NATIVE = [(one, one) for one in MODELS]
TRANSLATED = [("chat", "messages"), ("messages", "chat"), ("gemini", "responses"), ("responses", "gemini")]


class Payer:
    """One account with one key, before and after an exchange."""

    def __init__(self, till: Till, account: Account, key: str) -> None:
        self.till = till
        self.account = account
        self.key = key
        self.known: set[str] = set()

    def row(self) -> dict[str, Any]:
        """The row of the exchange since the last look."""
        (row,) = self.rows(1)
        return row

    def rows(self, count: int) -> list[dict[str, Any]]:
        """The rows of so many exchanges since the last look, in their order."""

        def look() -> list[dict[str, Any]] | None:
            found = [row for row in self.account.rows() if row["exchange_id"] not in self.known]
            return found if len(found) >= count else None

        found = until(look, f"the rows of {count} exchanges")
        assert len(found) == count
        self.known.update(row["exchange_id"] for row in found)
        return found

    def leave(self, asked: Asked, enough: Callable[[bytes], bool]) -> bytes:
        """Ask for a stream and hang up once enough of it has come; the result is what came."""
        url, got = self.till.gateway.url + asked.path, b""
        with self.till.http.stream("POST", url, json=asked.body, headers=asked.headers) as answer:
            assert answer.status_code == 200, answer.read()
            for data in answer.iter_raw():
                got += data
                if enough(got):
                    break
            else:
                raise AssertionError(f"the stream ended early: {got!r}")
        return got


@pytest.fixture(scope="module")
def _payer(_till: Till) -> Iterator[Payer]:
    account = _till.account(usd="10")
    payer = Payer(_till, account, account.key())
    yield payer
    shown = account.until_settled()
    assert shown["balance_nano_usd"] == 10_000_000_000 - account.charged_nano()
    _till.checked()


@pytest.fixture
def payer(_payer: Payer) -> Payer:
    """One account for all these tests; at their end nothing of it is held and its books are right."""
    _payer.known = {row["exchange_id"] for row in _payer.account.rows()}
    return _payer


def line_to(payer: Payer) -> socket.socket:
    host, _, port = payer.till.gateway.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)))


def head_of(asked: Asked, length: int) -> bytes:
    headers = asked.headers | {"host": "x", "content-type": "application/json", "content-length": str(length)}
    return "\r\n".join([f"POST {asked.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]).encode()


def test_who_leaves_within_the_question_pays_nothing(payer: Payer) -> None:
    plan = Plan(id="half-a-question")
    asked = payer.till.question(payer.key, plan, "plain/fake-1", cap=50)
    body = json.dumps(asked.body).encode()
    with line_to(payer) as line:
        line.sendall(head_of(asked, len(body)) + body[: len(body) // 2])
    told = payer.till.ask(payer.key, Plan(id="after-half"), cap=50)
    assert payer.row()["exchange_id"] == told.exchange_id
    assert not payer.till.served(plan)


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_before_the_provider_was_reached_pays_nothing(payer: Payer, stream: bool) -> None:
    asked = payer.till.question(payer.key, Plan(id="dark"), "dark/fake-1", stream=stream, cap=50)
    body = json.dumps(asked.body).encode()
    with line_to(payer) as line:
        line.sendall(head_of(asked, len(body)) + body)
        line.settimeout(0.4)
        with pytest.raises(TimeoutError):
            line.recv(1)
    row = payer.row()
    assert (row["outcome"], row["charge_nano"], row["cost_nano"]) == ("client_gone", 0, 0)


def test_a_provider_that_cannot_be_reached_costs_nothing(payer: Payer) -> None:
    told = payer.till.ask(payer.key, Plan(id="unreached"), "dark/fake-1", cap=50)
    assert told.status in {502, 504}
    assert payer.row()["charge_nano"] == 0


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_before_the_answer_pays_the_prompt(payer: Payer, stream: bool) -> None:
    plan = Plan(id=f"stalled-{stream}", stall=1)
    asked = payer.till.question(payer.key, plan, "plain/fake-1", stream=stream, cap=50)
    body = json.dumps(asked.body).encode()
    with line_to(payer) as line:
        line.sendall(head_of(asked, len(body)) + body)
        (served,) = until(lambda: payer.till.served(plan), "the provider to be asked")
    served.seen.wait_gone()
    row = payer.row()
    assert row["outcome"] == "client_gone"
    assert_counted(row, PLAIN, out_least=0, out_most=0)


def test_who_waits_in_vain_pays_nothing(payer: Payer) -> None:
    told = payer.till.ask(payer.key, Plan(id="in-vain", stall=1), "faulty/fake-1", cap=50)
    assert told.status == 504
    assert payer.row()["charge_nano"] == 0


def test_an_answer_that_is_cut_before_anything_was_shown_costs_nothing(payer: Payer) -> None:
    told = payer.till.ask(payer.key, Plan(id="half-an-answer", cut=1), "faulty/fake-1", cap=50)
    assert told.status == 502
    assert payer.row()["charge_nano"] == 0


@pytest.mark.parametrize(("caller", "spoken"), [*NATIVE, *TRANSLATED])
def test_who_leaves_within_a_stream_pays_what_came(payer: Payer, caller: str, spoken: str) -> None:
    letters: dict[str, int] = {}
    for part in ("letters", "thinks", "calls"):
        sizes: dict[str, Any] = {"letters": 0, "thinks": 0, "calls": 0} | {part: LETTERS}
        hang = 40
        if part == "calls" and "gemini" in (caller, spoken):
            # A call is one event there: the first that the provider has, or what the caller sees once it is complete.
            hang = 1 if spoken == "gemini" else 45
        plan = Plan(id=f"leaves-{caller}-{spoken}-{part}", deltas=40, hang=hang, text=60, said=5_000, **sizes)
        model = f"{spoken}/{MODELS[spoken]}"
        asked = payer.till.question(payer.key, plan, model, caller=caller, stream=True, cap=6_000)
        got = payer.leave(asked, lambda body: body.count(b"lorem") >= SEEN_WORDS)
        payer.till.served(plan)[0].seen.wait_gone()
        letters[part] = min(got.count(b"lorem") * 27, LETTERS)
    rows = payer.rows(len(letters))
    for row, (part, seen) in zip(rows, letters.items(), strict=True):
        assert row["outcome"] == "client_gone", part
        assert row["usage_estimated"], part
        assert_counted(row, ODD, out_least=seen // 8, out_most=LETTERS)


@pytest.mark.parametrize("model", ["chat/fake-1", "responses/fake-1", "gemini/gemini-3-pro"])
def test_who_leaves_after_usage_was_told_pays_that(payer: Payer, model: str) -> None:
    spoken = model.partition("/")[0]
    # All but the end mark, or, where usage comes with the last event, all with the connection left open.
    frames = {"chat": 6, "responses": 11, "gemini": 4}[spoken]
    plan = Plan(id=f"knows-{spoken}", said=23, hang=frames)
    asked = payer.till.question(payer.key, plan, model, caller=spoken, stream=True, cap=100)
    mark = {"chat": b'"usage": {', "responses": b"response.completed", "gemini": b"STOP"}[spoken]
    payer.leave(asked, lambda body: mark in body or mark.replace(b" ", b"") in body)
    row = payer.row()
    assert not row["usage_estimated"], row
    assert row["charge_nano"] == worth({"in_text": 11, "out_text": 23}, PRICES[model])


@pytest.mark.parametrize("ending", ["cut", "hang"])
@pytest.mark.parametrize(("caller", "spoken"), [("chat", "chat"), ("messages", "chat"), ("chat", "messages")])
def test_a_stream_that_the_provider_does_not_finish(payer: Payer, caller: str, spoken: str, ending: str) -> None:
    after: dict[str, Any] = {ending: 40}
    plan = Plan(id=f"{ending}-{caller}-{spoken}", letters=LETTERS, deltas=40, text=60, said=5_000, **after)
    model = f"{spoken}/{MODELS[spoken]}"
    told = payer.till.ask(payer.key, plan, model, caller=caller, stream=True, cap=6_000)
    assert told.status == 200
    row = payer.row()
    assert row["outcome"] == {"cut": "cut", "hang": "timeout"}[ending]
    letters = told.body.count(b"lorem") * 27
    assert letters > LETTERS // 2
    assert_counted(row, ODD, out_least=letters // 8, out_most=LETTERS)


def test_a_response_that_was_created_is_charged_its_prompt(payer: Payer) -> None:
    plan = Plan(id="created", hang=2)
    asked = payer.till.question(payer.key, plan, "responses/fake-1", caller="responses", stream=True, cap=50)
    payer.leave(asked, lambda body: b"response.created" in body or b":" in body)
    row = payer.row()
    assert_counted(row, ODD, out_least=0, out_most=0)


def test_a_provider_may_be_heard_to_its_end_to_learn_the_usage(payer: Payer) -> None:
    plan = Plan(id="drained", said=23, letters=400, deltas=12, gap_ms=50)
    asked = payer.till.question(payer.key, plan, "drains/fake-1", stream=True, cap=100)
    payer.leave(asked, lambda body: b"lorem" in body)
    (served,) = payer.till.served(plan)
    assert served.seen.done.wait(20)
    assert served.whole, "it was heard to its end"
    row = payer.row()
    assert (row["outcome"], row["usage_estimated"]) == ("client_gone", 0)
    assert row["charge_nano"] == worth({"in_text": 11, "out_text": 23}, PLAIN)


def test_a_provider_is_not_heard_for_ever(payer: Payer) -> None:
    plan = Plan(id="not-for-ever", letters=400, deltas=20, gap_ms=300)
    asked = payer.till.question(payer.key, plan, "drains-1s/fake-1", stream=True, cap=500)
    payer.leave(asked, lambda body: b"lorem" in body)
    (served,) = payer.till.served(plan)
    served.seen.wait_gone()
    row = payer.row()
    assert row["outcome"] == "client_gone"
    assert_counted(row, PLAIN, out_least=1, out_most=400)


def assert_counted(row: dict[str, Any], prices: dict[str, int], *, out_least: int, out_most: int) -> None:
    """The gateway's own count: a plausible prompt, what came of the answer, and a charge that fits both."""
    taken = row["in_text"] + row["cache_read"] + row["cache_write_5m"] + row["cache_write_1h"]
    given = row["out_text"] + row["out_reasoning"]
    assert 10 <= taken <= 400, row
    assert out_least <= given <= out_most, row
    assert row["charge_nano"] == row["cost_nano"] == worth(row, prices)
