"""HTTP proxies: which one an origin needs, and the tunnel through it."""

import asyncio
import socket
from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.dataplane.upstream.wire.connection import Origin

_PROXY_HEAD_BYTES_MAX = 16 * 1024


def proxy_for(origin: str, environ: Mapping[str, str]) -> str:
    """The proxy URL that the environment names for `origin` (`scheme://host[:port]`); empty for none.

    `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, in lower case too (which wins), as curl and the SDKs read them;
    loopback never goes through a proxy. `NO_PROXY` lists names (with their subdomains), addresses, CIDR blocks, each
    perhaps with a port, or `*`. A proxy without a scheme is taken as `http://`.
    """
    parts = urlsplit(origin)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    named = (_variable(environ, f"{parts.scheme}_proxy") or _variable(environ, "all_proxy")).strip()
    if not named or _is_loopback(host):
        return ""
    for rule in _variable(environ, "no_proxy").replace(",", " ").split():
        if _matches(rule.lower(), host, port):
            return ""
    return named if "://" in named else f"http://{named}"


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _matches(rule: str, host: str, port: int) -> bool:
    if rule == "*":
        return True
    try:
        return ip_address(host) in ip_network(rule.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, rule_port = rule.rpartition(":")
    if colon and rule_port.isdigit():
        if int(rule_port) != port:
            return False
        rule = name.strip("[]")
    rule = rule.removeprefix("*").lstrip(".")
    return bool(rule) and (host == rule or host.endswith("." + rule))


def split_proxy(proxy: str) -> tuple[str, int, bytes]:
    """Host, port and the line `proxy-authorization` (empty without credentials) of `http://[user:password@]host:port`.

    Raises `TransportError` for another scheme, no host or no valid port. The text never shows credentials.
    """
    parts = urlsplit(proxy)
    try:
        port = parts.port or 80
    except ValueError as error:
        raise TransportError(Failure.CONNECT, f"the proxy at {parts.hostname} has no valid port", sent=False) from error
    if parts.scheme != "http" or not parts.hostname:
        raise TransportError(Failure.CONNECT, f"cannot use the proxy at {parts.hostname}: not http://", sent=False)
    line = b""
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        line = b"proxy-authorization: Basic %b\r\n" % b64encode(user.encode())
    return parts.hostname, port, line


async def open_tunnel(sock: socket.socket, origin: Origin, authorization: bytes) -> None:
    """Ask an HTTP proxy for a tunnel (RFC 9110 section 9.3.6). Raises `OSError`, or `TransportError` if it says no."""
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}".encode()
    try:
        await loop.sock_sendall(sock, b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (target, target, authorization))
        head = b""
        while b"\r\n\r\n" not in head:
            data = await loop.sock_recv(sock, 4096)
            head += data
            if not data or len(head) > _PROXY_HEAD_BYTES_MAX:
                raise OSError("the proxy did not answer CONNECT with an HTTP response")
        status = head.split(b"\r\n", 1)[0].split(b" ")
        if len(status) < 2 or not status[0].startswith(b"HTTP/1.") or not status[1].startswith(b"2"):
            raise TransportError(Failure.CONNECT, f"the proxy refused the tunnel: {status[1:]!r}", sent=False)
        if not head.endswith(b"\r\n\r\n"):
            raise OSError("the proxy sent bytes before the tunnel was used")
    except BaseException:  # cancelled or failed: it goes on up, only the socket must not stay open
        sock.close()
        raise
