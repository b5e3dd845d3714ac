"""Facts of the machine: ports and who holds them, cores, open files, certificates."""

import resource
import socket
from pathlib import Path

import pytest
import trustme

from fastgw.app import machine
from fastgw.errors import StartupError


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_free_port_is_chosen_and_kept(address: str) -> None:
    with machine.claim_port(address, 0, 128) as claimed:
        port = claimed.getsockname()[1]
        assert port > 0
        with pytest.raises(StartupError, match=f"Port {port} on {address} cannot be used"):
            machine.claim_port(address, port, 128)


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_that_somebody_listens_on_is_taken(shares: bool) -> None:
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(StartupError, match="choose another port"):
            machine.claim_port("127.0.0.1", other.getsockname()[1], 128)


def test_a_port_can_be_taken_again_right_after_its_connections_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            # The side that closes first keeps the address in TIME_WAIT.
            accepted.close()
    machine.claim_port("127.0.0.1", port, 128).close()


@pytest.mark.skipif(not machine.SHARES_PORT, reason="the kernel does not spread connections over sockets of one port")
def test_a_claimed_port_is_open_to_our_workers_and_serves_nobody_itself() -> None:
    with machine.claim_port("127.0.0.1", 0, 128) as claimed:
        port = claimed.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        with socket.socket() as worker:
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()
            for _ in range(20):
                socket.create_connection(("127.0.0.1", port)).close()


def test_without_shared_ports_the_claimed_socket_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SHARES_PORT", False)
    with machine.claim_port("127.0.0.1", 0, 128) as claimed:
        assert claimed.get_inheritable()
        socket.create_connection(claimed.getsockname()).close()


def test_names_become_addresses() -> None:
    assert machine.resolve("127.0.0.1") == "127.0.0.1"
    assert machine.resolve("localhost") in {"127.0.0.1", "::1"}
    with pytest.raises(StartupError, match="host 'no-such-host"):
        machine.resolve("no-such-host.invalid")


def test_there_is_a_core() -> None:
    assert 1 <= machine.cores() <= 4096


def test_open_files_are_raised_and_never_lowered() -> None:
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowered = min(before, 512)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, hard))
        machine.raise_files_limit()
        after, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert after >= lowered
        assert hard in {resource.RLIM_INFINITY, after} or after == machine.FILES_OPEN_WANTED
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def test_certificates_are_checked_before_anything_starts(tmp_path: Path) -> None:
    made = trustme.CA().issue_cert("localhost")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made.cert_chain_pems[0].write_to_path(cert)
    made.private_key_pem.write_to_path(key)
    machine.check_certificate(str(cert), str(key))
    machine.check_certificate("", "")
    with pytest.raises(StartupError, match="cannot be served"):
        machine.check_certificate(str(key), str(cert))
