"""Stand-ins on real sockets and real processes: a provider that does what it is told, and a gateway to test whole."""

from tests.fakes.answers import End, Step
from tests.fakes.provider import Answer, FakeProvider, Seen
from tests.fakes.scene import Scene, Trouble

__all__ = ["Answer", "End", "FakeProvider", "Scene", "Seen", "Step", "Trouble"]
