"""Clients that ask for a flood and hardly read it: 1 KB a second each, through small receive buffers.

Prints `open N` when all have had their first bytes, reads on until its standard input ends, then prints what it read.
"""

import argparse
import select
import socket
import sys
import time

from bench.load_streams import request_bytes
from bench.payloads import request_body

_RECEIVE_BUFFER_BYTES = 32_768
_FLOOD_EVENTS = 100_000
"""About 30 MB per reader, far more than any buffer on the way."""
_READ_BYTES = 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--header", action="append", default=[], help="`name: value`, several times")
    parser.add_argument("--readers", type=int, default=1000)
    arguments = parser.parse_args()
    body = request_body(events=_FLOOD_EVENTS, pace=0)
    request = request_bytes(arguments.port, arguments.path, arguments.header, body)
    readers = []
    for _ in range(arguments.readers):
        reader = socket.socket()
        # Set before connecting: the window is agreed upon in the handshake.
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        reader.connect(("127.0.0.1", arguments.port))
        reader.sendall(request)
        reader.setblocking(False)
        readers.append(reader)
    served: set[int] = set()
    total, said, refused = 0, False, 0
    deadline = time.monotonic() + 60
    while True:
        for reader in readers:
            try:
                data = reader.recv(_READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            total += len(data)
            if reader.fileno() not in served:
                served.add(reader.fileno())
                refused += not data.startswith(b"HTTP/1.1 200")
        if not said and (len(served) == len(readers) or time.monotonic() > deadline):
            said = True
            sys.stdout.write(f"open {len(served) - refused}\n")
            sys.stdout.flush()
        if select.select([sys.stdin], [], [], 1.0)[0]:
            break
    sys.stdout.write(f"{total}\n")


if __name__ == "__main__":
    main()
