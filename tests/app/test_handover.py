"""What a child gets of its parent, and how each notices the other's end."""

import asyncio
import os
from pathlib import Path

import msgspec

from fastgw.app import handover
from fastgw.app.handover import Handover, Report
from fastgw.errors import StartupError
from fastgw.settings import Settings
from fastgw.settings.values import Credential, ProviderSettings, Stores


def test_settings_arrive_as_they_left() -> None:
    settings = Settings(
        stores=Stores(data_dir=Path("/a folder/ü")),
        providers=(ProviderSettings("p", "openai", "https://x", (Credential("env", "secret"),), headers={"a": "b"}),),
    )
    fd = handover.pack(settings)
    try:
        assert handover.unpack(fd) == settings
        assert handover.unpack(fd) == settings, "a restarted child reads it again"
    finally:
        os.close(fd)


def test_settings_lie_in_no_folder_and_are_not_inherited_by_chance() -> None:
    fd = handover.pack(Settings())
    try:
        assert os.fstat(fd).st_nlink == 0
        assert not os.get_inheritable(fd)
    finally:
        os.close(fd)


def test_a_process_started_by_hand_has_no_parent() -> None:
    assert handover.take({}) is None
    handover.report(None, Report())


def test_descriptors_travel_in_one_variable() -> None:
    given = Handover(3, 4, 5, listen_fd=6, slot=7)
    assert handover.take({handover.VARIABLE: msgspec.json.encode(given).decode()}) == given


def test_a_report_is_one_line() -> None:
    read, write = os.pipe()
    handover.report(Handover(-1, -1, write), Report(key="sk-1"))
    handover.failed(Handover(-1, -1, write), StartupError("two\nlines"))
    os.close(write)
    with os.fdopen(read, "rb") as reports:
        assert [msgspec.json.decode(line, type=Report) for line in reports] == [
            Report(key="sk-1"),
            Report(error="two\nlines"),
        ]


def test_a_report_to_nobody_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    handover.report(Handover(-1, -1, write), Report())
    os.close(write)


async def test_the_end_of_the_parent_is_noticed_once() -> None:
    read, write = os.pipe()
    calls: list[int] = []
    gone = asyncio.Event()

    def note() -> None:
        calls.append(1)
        gone.set()

    handover.on_parent_gone(Handover(-1, read, -1), note)
    await asyncio.sleep(0.05)
    assert not calls
    os.close(write)
    async with asyncio.timeout(10):
        await gone.wait()
    await asyncio.sleep(0.05)
    assert calls == [1]
    os.close(read)
