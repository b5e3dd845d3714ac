"""Gate and board against a plain model: whatever is lost, late, doubled or dead, nothing is granted that is not there.

The model is the truth: what was credited, what every exchange was charged, what runs. The keeper of the test knows of
it only what it has drained. After each grant what is held and charged must be covered; at the end, when everything is
settled and drained, what the gate has left must be the model's rest to the nano-USD.
"""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from redis import Redis as SyncRedis

from fastgw.exchange import Ask, Denial, Grant, Principal, Quotas, Reason
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from tests.storage.valkey.law_world import Ledger, Worker, World

ALL = 10**12
MONEY = st.integers(0, 400)
AWAKE = st.sampled_from([True, True, True, False])


class Laws(World):
    @initialize(credit=st.integers(0, 5_000), quota=st.sampled_from([0, 500, 2_500, 6_000]))
    def begin(self, credit: int, quota: int) -> None:
        self.credit = credit
        self.ledger = Ledger(credit)
        self.charged = 0
        self.principal = Principal(
            key_id="key_law",
            digest="",
            epoch=1,
            name="",
            limits=Limits(),
            account_id="acc_law",
            prepaid=True,
            quotas=Quotas(total_nano=quota),
        )
        for _ in range(2):
            self.another_worker()
        self.make_anew()

    # What workers do.

    @precondition(lambda self: len(self.workers) < 5)
    @rule()
    def another_worker(self) -> None:
        self.numbers += 1
        worker = Worker(1_000 + 2 * self.numbers + 1, self.server.url)
        self.run(worker.gate.start(worker.number))
        self.workers.append(worker)
        self.ledger.drained[worker.number] = 0
        self.ledger.journals += 1
        self.mail.append(self.ledger.read())

    @precondition(lambda self: self.living())
    @rule(pick=st.integers(0), want=MONEY, least=MONEY, awake=AWAKE)
    def admit(self, pick: int, want: int, least: int, awake: bool) -> None:
        worker = self.living()[pick % len(self.living())]
        verdict = self.run(self._admit(worker, self.ask(want, least)))
        while awake and isinstance(verdict, Denial) and verdict.reason is Reason.REBUILDING and not self.silent():
            self.make_anew()
            verdict = self.run(self._admit(worker, self.ask(want, least)))
        self.took(worker, verdict)

    async def _admit(self, worker: Worker, ask: Ask) -> Grant | Denial:
        return await worker.gate.admit(ask)

    @precondition(lambda self: self.living())
    @rule(wants=st.lists(MONEY, min_size=2, max_size=6), awake=AWAKE)
    def admit_at_once(self, wants: list[int], awake: bool) -> None:
        if awake:
            self.make_anew()

        async def all_of_them() -> list[Grant | Denial]:
            living = self.living()
            return await asyncio.gather(
                *[living[n % len(living)].gate.admit(self.ask(want, 0)) for n, want in enumerate(wants)]
            )

        before, verdicts = self.left(), self.run(all_of_them())
        grants = [(n, verdict) for n, verdict in enumerate(verdicts) if isinstance(verdict, Grant)]
        assert sum(grant.hold_nano for _, grant in grants) <= max(before, 0)
        for n, grant in grants:
            self.living()[n % len(self.living())].running.append(grant)

    # No precondition asks what was granted or drained: that depends on moments, and Hypothesis wants the same choices
    # for the same steps.
    @rule(pick=st.integers(0), part=st.integers(0, 130), at_once=st.booleans())
    def settle(self, pick: int, part: int, at_once: bool) -> None:
        having = [worker for worker in self.living() if worker.running]
        if not having:
            return
        worker = having[pick % len(having)]
        grant = worker.running.pop(pick % len(worker.running))
        self.end_one(worker, grant, part, at_once)

    def end_one(self, worker: Worker, grant: Grant, part: int, at_once: bool) -> None:
        charge = grant.hold_nano * part // 100

        async def settled() -> None:
            worker.gate.settle(grant, 0, charge)
            # What goes beyond a hold is known nowhere else until it is told.
            if at_once or charge > grant.hold_nano:
                await worker.told()

        self.run(settled())
        worker.journal.append(charge)
        self.charged += charge

    @precondition(lambda self: self.living())
    @rule(
        exchanges=st.lists(st.tuples(st.integers(0, 3), MONEY, st.integers(0, 100)), min_size=1, max_size=6),
        awake=AWAKE,
    )
    def exchange(self, exchanges: list[tuple[int, int, int]], awake: bool) -> None:
        """Some that begin and end one after the other."""
        if awake:
            self.make_anew()
        for pick, want, part in exchanges:
            worker = self.living()[pick % len(self.living())]
            verdict = self.run(self._admit(worker, self.ask(want, 0)))
            self.took(worker, verdict)
            if isinstance(verdict, Grant):
                self.end_one(worker, worker.running.pop(), part, at_once=False)

    @precondition(lambda self: self.living())
    @rule(pick=st.integers(0), want=MONEY, arrived=st.booleans(), back=AWAKE)
    def lose_an_answer(self, pick: int, want: int, arrived: bool, back: bool) -> None:
        worker = self.living()[pick % len(self.living())]

        async def lost() -> Grant | Denial:
            asked = asyncio.ensure_future(self._admit(worker, self.ask(want, 0)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if arrived:
                await asyncio.sleep(0.002)
            if (link := worker.gate._link) is not None:
                link.abort()
            verdict = await asked
            if back:
                await worker.told()
            return verdict

        self.took(worker, self.run(lost()))

    @precondition(lambda self: self.living())
    @rule(pick=st.integers(0))
    def hear_nothing(self, pick: int) -> None:
        """Messages of the store do not reach a worker, for some steps."""
        self.living()[pick % len(self.living())].hear(False)

    @rule()
    def hear_again(self) -> None:
        for worker in self.living():
            worker.hear(True)

    @precondition(lambda self: len(self.living()) > 1)
    @rule(pick=st.integers(0))
    def kill_a_worker(self, pick: int) -> None:
        """It is dead for some steps; nothing can be rebuilt meanwhile."""
        self.run(self.living()[pick % len(self.living())].crash())

    # What the keeper does.

    @rule(pick=st.integers(0), count=st.integers(1, 3))
    def drain(self, pick: int, count: int) -> None:
        having = [worker for worker in self.workers if worker.journal]
        if not having:
            return
        worker = having[pick % len(having)]
        for _ in range(min(count, len(worker.journal))):
            self.ledger.charge(worker.number, worker.journal.pop(0))
        self.mail.append(self.ledger.read())

    @precondition(lambda self: any(not worker.alive for worker in self.workers))
    @rule(part=st.integers(0, 100))
    def finish_a_journal(self, part: int) -> None:
        worker = next(worker for worker in self.workers if not worker.alive)
        orphans = [grant.hold_nano * part // 100 for grant in worker.running]
        for charge in [*worker.journal, *orphans]:
            self.ledger.charge(worker.number, charge)
        self.charged += sum(orphans)
        self.workers.remove(worker)
        del self.ledger.drained[worker.number]
        self.ledger.journals += 1
        self.mail.append(self.ledger.read())

    @rule(pick=st.integers(0))
    def deliver(self, pick: int) -> None:
        # Any of all that was ever read, late or once more.
        self.run(self.board.publish(self.mail[pick % len(self.mail)], create=False))

    @rule()
    def deliver_the_newest(self) -> None:
        self.run(self.board.publish(self.ledger.read(), create=False))

    @rule()
    def make_anew(self) -> None:
        self.run(self._make_anew())

    async def _make_anew(self) -> None:
        await self.board.wanted()
        for _ in range(3):
            if not await self.board.publish(self.ledger.read(), create=True):
                return
            await asyncio.sleep(0.004)

    # What happens to the store.

    @precondition(lambda self: self.losses < 3)
    @rule(what=st.sampled_from(["all", "fgw:{acc_law}:purse", "fgw:{key_law}:purse", "script"]))
    def lose_records(self, what: str) -> None:
        self.losses += 1
        with SyncRedis.from_url(self.server.url) as redis:
            if what == "all":
                redis.flushall()
            elif what == "script":
                redis.script_flush()
            else:
                redis.delete(what)

    @precondition(lambda self: self.restarts < 1)
    @rule()
    def restart_the_store(self) -> None:
        self.restarts += 1
        self.server.process.kill()
        self.server.process.wait()
        self.server.stop()
        type(self).server = embedded.start(self.place)

    def teardown(self) -> None:
        try:
            if hasattr(self, "ledger"):
                self.settle_everything()
        finally:
            for worker in self.living():
                self.run(worker.crash())
            self.run(self.board.aclose())
            self.loop.close()

    def settle_everything(self) -> None:
        self.hear_again()
        for worker in self.living():
            self.run(worker.told())
            while worker.running:
                grant = worker.running.pop()
                worker.gate.settle(grant, 0, 0)
            self.run(worker.told())
        while any(not worker.alive for worker in self.workers):
            self.finish_a_journal(50)
        while any(worker.journal for worker in self.workers):
            self.drain(0, 3)
        if not self.living():
            self.another_worker()

        async def last() -> Grant | Denial:
            asker = self.living()[0]
            for _ in range(200):
                await self._make_anew()
                verdict = await asker.gate.admit(self.ask(ALL, 0))
                if isinstance(verdict, Grant) or verdict.reason not in (Reason.REBUILDING, Reason.STORE_AWAY):
                    return verdict
            raise AssertionError(verdict)

        verdict = self.run(last())
        if isinstance(verdict, Grant):
            assert verdict.hold_nano == self.left()
        else:
            assert self.left() < 0
            assert verdict.left_nano == 0


def run_laws(server_at: Path, monkeypatch: pytest.MonkeyPatch, examples: int, steps: int) -> None:
    # A purse that nobody makes anew is not waited for; the clock of the laws is the order of their steps.
    monkeypatch.setattr("fastgw.storage.valkey.gate.REBUILD_NS", 10_000_000)
    monkeypatch.setattr("fastgw.storage.valkey.courier.RECONNECT_S_MIN", 0.001)
    monkeypatch.setattr("fastgw.storage.valkey.gate.POLL_S", 0.02)
    Laws.place = server_at
    Laws.server = embedded.start(server_at)
    try:
        chosen = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=examples)
        run_state_machine_as_test(Laws, settings=settings(chosen, stateful_step_count=steps))
    finally:
        Laws.server.stop()


def test_nothing_is_granted_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_laws(tmp_path, monkeypatch, 15, 25)


@pytest.mark.long
def test_nothing_is_granted_that_is_not_there_at_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_laws(tmp_path, monkeypatch, 400, 60)
