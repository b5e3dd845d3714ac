"""Facts and limits of the machine that the start depends on: cores, open files, addresses and ports."""

import contextlib
import os
import resource
import socket
import sys
from pathlib import Path

from fastgw.errors import StartupError

FILES_OPEN_WANTED = 65_536
"""Open files that a process asks for: two sockets per exchange, thousands of exchanges per worker."""
SHARES_PORT = sys.platform == "linux"
"""Whether several sockets can listen on one port and the kernel spreads connections over them (SO_REUSEPORT)."""


def cores() -> int:
    """Cores that this process may use, 1 or more; a container's CPU quota counts (cgroup v2)."""
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, max(1, -(-int(quota) // int(period))))
    return count


def raise_files_limit() -> None:
    """Lift the soft limit of open files as far as the hard one allows; children inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls its hard limit infinite and refuses more than OPEN_MAX = 10,240.
    for wanted in (FILES_OPEN_WANTED, 10_240):
        target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if target <= soft:
            return
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
            return


def resolve(host: str) -> str:
    """The address literal for a host name to listen on. Raises `StartupError` when the name is unknown."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise StartupError(f"Cannot listen on host {host!r}: {error}. Set FASTGW_HOST to an address.") from error
    return str(found[0][4][0])


SEND_BUFFER_BYTES = 128 * 1024
"""Of one client connection (the kernel doubles it): what a client that does not read can make the kernel hold.
Left to itself it grows to megabytes, which a thousand slow readers turn into gigabytes; a stream needs a fraction."""


def tune(listening: socket.socket) -> None:
    """Options that every accepted connection inherits: the bounded send buffer, and no waiting for company (RFC 896),
    which would hold the end of a short stream back until the client's delayed acknowledgement, 40 ms later."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def listener(address: str, port: int) -> socket.socket:
    """A socket of this process's own on a port that its siblings share; connections inherit its send buffer."""
    own = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    tune(own)
    own.bind((address, port))
    return own


def claim_port(address: str, port: int, backlog: int) -> socket.socket:
    """Make sure that nobody else listens on `port` (0: choose one) and keep it for our workers.

    Where a port can be shared, the result only reserves it: the workers bind sockets of their own, and a plain bind
    comes first, because a bind that may share would share silently with a stranger. Elsewhere it listens, and all
    workers accept from it. Raises `StartupError` when the port is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        # Connections of an earlier run that linger in TIME_WAIT must not keep us out; a listener still does.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plain.bind((address, port))
        if not SHARES_PORT:
            tune(plain)
            plain.listen(backlog)
            plain.set_inheritable(True)
            return plain
        port = plain.getsockname()[1]
        plain.close()
        return _reserve(family, address, port)
    except PermissionError as error:
        plain.close()
        raise StartupError(
            f"Port {port} may not be used by this user: {error}. Take one above 1023 (PORT=8080)."
        ) from error
    except OSError as error:
        plain.close()
        raise StartupError(
            f"Port {port} on {address} cannot be used: {error.strerror}. Stop the program that listens there"
            f" (`lsof -i :{port}` names it) or choose another port (PORT={port + 1 if port < 65535 else 8080})."
        ) from error


def _reserve(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    """A socket that only keeps the port. It shares with our workers, and with nobody who merely reuses addresses."""
    shared = socket.socket(family, socket.SOCK_STREAM)
    try:
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            shared.bind((address, port))
        except OSError:
            # Another program's connections linger in TIME_WAIT: these can only be passed by reusing the address.
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            shared.bind((address, port))
    except BaseException:  # whatever it is, it goes on up; only the socket must not stay open
        shared.close()
        raise
    return shared


def check_certificate(cert: str, key: str) -> None:
    """See that a certificate and its key can be served; empty: there is none. Raises `StartupError`."""
    if not cert:
        return
    import ssl  # noqa: PLC0415 - needed by those who serve TLS alone

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (OSError, ValueError) as error:
        raise StartupError(
            f"The certificate {cert} with the key {key} cannot be served: {error}. Both are PEM files, the certificate"
            " with its chain, the key without a password."
        ) from error
