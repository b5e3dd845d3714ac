"""The port of admission and what stands behind it agree; mypy checks the assignment, the test that it can be made."""

from fastgw.dataplane.admission.gate import Gate
from fastgw.storage.valkey.gate import ValkeyGate


def test_the_gate_in_valkey_matches_the_port() -> None:
    gate: Gate = ValkeyGate("unix:///nowhere.sock")
    for verb in ("start", "admit", "settle", "aclose"):
        assert callable(getattr(gate, verb))
