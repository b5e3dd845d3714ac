"""The port of admission: may this exchange run now, and what did it use in the end.

The store behind it may change (a script call for each tick of the loop today, leases taken ahead by a worker tomorrow)
without a change here. Implementation: `fastgw.storage.valkey.gate`.
"""

from typing import Protocol

from fastgw.exchange import Ask, Denial, Grant


class Gate(Protocol):
    """Decides about all limits of an ask at once: a denial by one limit debits none.

    Concurrency is held by leases of a worker, renewed by the gate itself with one heartbeat for all running exchanges;
    a caller has nothing to renew. Safe for concurrent use by tasks of one event loop.
    """

    async def start(self, worker: int = 0) -> None:
        """Connect, and begin to renew leases. Raises `StartupError` if the store cannot be reached.

        `worker` is the number of this worker's journal (`exchange.worker_number`): with another one, or none, the gate
        admits nobody whose money is limited.
        """

    async def admit(self, ask: Ask) -> Grant | Denial:
        """Decide about `ask`, its hold included; each grant is owed exactly one `settle`.

        Waits up to two seconds for what is known of the money, if that was lost, then denies. Waits for the store at
        most for the gate's deadline; then it decides from the worker's own buckets. A caller that is cancelled while
        it waits owes nothing.
        """

    def settle(self, grant: Grant, tokens_used: int, charge_nano: int = 0) -> None:
        """Give back the concurrency and correct the token buckets from `grant.ask.tokens` to `tokens_used` (>= 0).

        What the grant holds of purses turns into `charge_nano` (>= 0, perhaps more than was held). Never waits and
        never fails: the correction is queued and goes out with the next batch, or milliseconds later.
        """

    async def aclose(self) -> None:
        """Send what is queued, give all leases back, and disconnect."""
