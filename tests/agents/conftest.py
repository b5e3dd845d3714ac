"""A running gateway before one provider that speaks four dialects, and a place where an agent works."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.agents import npm
from tests.cells.conftest import toml
from tests.cells.scenarios import SEAL
from tests.fakes import Answer, FakeProvider, Scene, Seen, speech
from tests.fakes.gateway import Gateway
from tests.fakes.scene import Call, Say, Think

RUN_S_MAX = 120
SECRET = "swordfish"
ANSWER = f"It says that the word is {SECRET}."


@dataclass
class Place:
    """Where an agent works: a home of its own, and a note in its working directory that holds `SECRET`."""

    gateway: Gateway
    provider: FakeProvider
    home: Path
    clients: Path

    @property
    def work(self) -> Path:
        """The working directory."""
        return self.home / "work"

    @property
    def note(self) -> str:
        """Path of the note."""
        return str(self.work / "note.txt")

    def lets_call(self, call: Call) -> None:
        """The model reasons and calls this tool, and answers when it has seen the secret in the result."""

        def plays(seen: Seen) -> Answer:
            if not seen.json.get("tools"):
                # Side questions, like the one for a title.
                scene = Scene((Say("A note"),))
            elif SECRET in seen.body.decode():
                scene = Scene((Say(ANSWER),))
            else:
                scene = Scene((Think("I have to read it.", SEAL), Say("Let me look."), call), "tools")
            return Answer(speech.answer(scene, seen.target, seen.json))

        self.provider.default = plays

    def asked(self) -> list[Seen]:
        """What the provider was asked with tools."""
        return [seen for seen in self.provider.requests if seen.json.get("tools")]

    def run(self, command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run an agent with nothing of this machine's environment but the way to its programs."""
        own = {
            "HOME": str(self.home),
            "PATH": f"{npm.NODE.parent}{os.pathsep}{os.defpath}",
            "TERM": "xterm-256color",
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1",
        }
        done = subprocess.run(
            command,
            cwd=self.work,
            env=own | environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_S_MAX,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.gateway.log[-4_000:]}"
        return done


@pytest.fixture(scope="package")
def clients() -> Path:
    return npm.install()


@pytest.fixture(scope="package")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, FakeProvider]]:
    with FakeProvider() as provider, Gateway(tmp_path_factory.mktemp("agents"), toml(provider)) as gateway:
        yield gateway, provider


@pytest.fixture
def place(clients: Path, _running: tuple[Gateway, FakeProvider], tmp_path: Path) -> Place:
    gateway, provider = _running
    provider.forget()
    made = Place(gateway, provider, tmp_path / "home", clients)
    made.work.mkdir(parents=True)
    Path(made.note).write_text(f"The word is {SECRET}.\n")
    return made
