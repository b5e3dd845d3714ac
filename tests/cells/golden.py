"""Golden files: what goes to the provider and what comes back, byte for byte but for ids and times.

`FASTGW_GOLDEN=write` writes them anew; a difference is to be read before it is kept.
"""

import os
import re
from pathlib import Path

from tests.cells.question import Received
from tests.fakes import Seen

FOLDER = Path(__file__).parent / "golden"
_TIMES = re.compile(r'("(?:created|created_at|completed_at|createTime)"\s*:\s*)("[^"]*"|[\d.]+)')


def exchange(seen: list[Seen], got: Received) -> str:
    """One exchange as text: requests to the provider, then the answer."""
    made = [f"> {one.method} {one.target}\n{one.body.decode()}\n" for one in seen]
    dropped = got.headers.get("x-fastgw-dropped", "")
    kind = got.headers.get("content-type", "").partition(";")[0]
    made.append(f"< {got.status} {kind}{' dropped: ' + dropped if dropped else ''}\n{got.body.decode().rstrip()}\n")
    return stable("".join(made), got)


def stable(text: str, got: Received) -> str:
    """The text without what differs from run to run."""
    text = _TIMES.sub(r"\g<1>0", text)
    exchange_id = got.headers["x-request-id"]
    text = text.replace(exchange_id, "EXCHANGE").replace(exchange_id.removeprefix("req_"), "EXCHANGE")
    return re.sub(r"http://127\.0\.0\.1:\d+", "http://PROVIDER", text)


def check(cell: str, scenario: str, parts: dict[str, str]) -> None:
    """Compare with the golden file, or write it. `parts`: what was exchanged, by `unary` and `stream`."""
    text = "".join(f"# {name}\n{part}\n" for name, part in parts.items())
    path = FOLDER / cell / f"{scenario}.txt"
    if os.environ.get("FASTGW_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"{path} is missing; FASTGW_GOLDEN=write makes it"
    assert text == path.read_text()
