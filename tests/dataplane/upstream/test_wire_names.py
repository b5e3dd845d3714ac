"""The DNS cache: one lookup for all who ask at once, off the loop, kept for a bounded time in a bounded map."""

import asyncio
import socket
import threading

import pytest

from fastgw.dataplane.upstream.wire.connection import WireBounds
from fastgw.dataplane.upstream.wire.names import AddressInfo, Names, look_up
from tests.dataplane.upstream.origin import until


class Resolver:
    """Answers as told, and remembers what it was asked, and on which thread."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.threads: set[str] = set()
        self.error: OSError | None = None
        self.go = threading.Event()
        self.go.set()
        self.now_ns = 0

    def look_up(self, host: str, port: int) -> list[AddressInfo]:
        self.asked.append(host)
        self.threads.add(threading.current_thread().name)
        self.go.wait(10)
        if self.error is not None:
            raise self.error
        if host == "empty.test":
            return []
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{len(self.asked)}", port))]

    def names(self, **bounds: int) -> Names:
        return Names(WireBounds(**bounds), lookup=self.look_up, clock=lambda: self.now_ns)


async def test_all_who_ask_at_once_share_one_lookup_on_another_thread() -> None:
    resolver = Resolver()
    resolver.go.clear()
    names = resolver.names()
    asking = [asyncio.ensure_future(names.addresses("a.test", 443)) for _ in range(20)]
    await until(lambda: resolver.asked)
    asking.pop().cancel()
    resolver.go.set()
    answers = await asyncio.gather(*asking)
    assert resolver.asked == ["a.test"]
    assert all(answer == answers[0] for answer in answers)
    assert threading.current_thread().name not in resolver.threads
    names.close()


async def test_an_answer_is_kept_for_its_time() -> None:
    resolver = Resolver()
    names = resolver.names(dns_ttl_ms=1000)
    first = await names.addresses("a.test", 443)
    resolver.now_ns = 999_999_999
    assert await names.addresses("a.test", 443) == first
    resolver.now_ns = 1_000_000_000
    assert await names.addresses("a.test", 443) != first
    assert await names.addresses("a.test", 80) != first
    assert resolver.asked == ["a.test"] * 3
    names.close()


async def test_errors_and_empty_answers_are_not_kept() -> None:
    resolver = Resolver()
    names = resolver.names()
    resolver.error = socket.gaierror(-2, "unknown")
    with pytest.raises(OSError, match="unknown"):
        await names.addresses("a.test", 443)
    resolver.error = None
    assert await names.addresses("a.test", 443)
    for _ in range(2):
        with pytest.raises(OSError, match="no address"):
            await names.addresses("empty.test", 443)
    assert resolver.asked == ["a.test", "a.test", "empty.test", "empty.test"]
    names.close()


async def test_a_forgotten_name_is_asked_anew() -> None:
    resolver = Resolver()
    names = resolver.names()
    first = await names.addresses("a.test", 443)
    names.forget("a.test", 443)
    names.forget("never.test", 443)
    assert await names.addresses("a.test", 443) != first
    names.close()


async def test_the_cache_keeps_the_newest_names_up_to_its_bound() -> None:
    resolver = Resolver()
    names = resolver.names(dns_entries_max=2)
    for host in ("a.test", "b.test", "c.test", "c.test", "b.test", "a.test"):
        await names.addresses(host, 443)
    assert resolver.asked == ["a.test", "b.test", "c.test", "a.test"]
    names.close()


def test_the_system_knows_localhost() -> None:
    found = look_up("localhost", 80)
    assert found
    assert all(info[0] in (socket.AF_INET, socket.AF_INET6) and info[4][1] == 80 for info in found)
