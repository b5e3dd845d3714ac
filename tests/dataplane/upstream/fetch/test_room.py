"""Bytes that calls may hold while they fetch: given back whatever happens."""

import pytest

from fastgw.dataplane.upstream.fetch.place import Unfit
from fastgw.dataplane.upstream.fetch.room import WorkerRoom
from fastgw.errors import ErrorKind, GatewayError


def test_a_call_and_a_worker_have_their_own_bounds() -> None:
    worker = WorkerRoom(100)
    with worker.of_call(60) as one, worker.of_call(60) as other:
        one.take(60)
        with pytest.raises(Unfit):
            one.take(1)
        other.take(40)
        with pytest.raises(GatewayError) as raised:
            other.take(1)
        assert raised.value.kind is ErrorKind.OVERLOADED
        assert (one.held_bytes, other.held_bytes, worker.held_bytes) == (60, 40, 100)
    assert worker.held_bytes == 0


def test_a_call_that_fails_gives_back_what_it_held() -> None:
    worker = WorkerRoom(100)
    with pytest.raises(KeyError), worker.of_call(60) as one:
        one.take(60)
        raise KeyError
    assert worker.held_bytes == 0
