"""Model lists against a small real HTTP server: what is asked, what is taken, and what a bad answer leads to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import msgspec
import pytest

from fastgw.keeper.model_lists import LIST_BYTES_MAX, ListFailed, ModelLists
from fastgw.providers import VENDORS
from fastgw.settings.values import Credential, ProviderSettings

SECRET = "sk-very-secret"
Answer = tuple[int, bytes]


class Provider:
    """Answers requests in turn with what it was given, the last answer for ever, and keeps what it was sent."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.heads: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(
                b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class Board:
    """What was published, in memory: the port's simplest right implementation."""

    def __init__(self) -> None:
        self.lists: dict[str, list[str]] = {}
        self.published = asyncio.Event()

    async def publish(self, provider: str, names: Iterable[str]) -> None:
        self.lists[provider] = list(names)
        self.published.set()


@asynccontextmanager
async def serving(*answers: Answer) -> AsyncIterator[Provider]:
    provider = Provider(*answers)
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield provider


def listing(*names: object) -> Answer:
    return 200, msgspec.json.encode({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def settings_of(url: str, *secrets: str, vendor: str = "openai", **more: object) -> ProviderSettings:
    credentials = tuple(Credential(f"c{i}", secret) for i, secret in enumerate(secrets or (SECRET,)))
    return ProviderSettings("acme", vendor, url, credentials, **more)  # type: ignore[arg-type]


def lists_of(provider: ProviderSettings, board: Board, refresh_s: float = 3_600.0) -> ModelLists:
    return ModelLists([provider], VENDORS, board, refresh_s=refresh_s, backoff_s=0.01)


async def until_published(lists: ModelLists, board: Board) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(lists.run(stop))
    async with asyncio.timeout(20):
        await board.published.wait()
        stop.set()
        await running


async def test_the_names_are_published_and_the_credential_travels_as_the_vendor_wants_it() -> None:
    board = Board()
    async with serving(listing("gpt-4o", "gpt-4o-mini", "gpt-4o")) as provider:
        await until_published(lists_of(settings_of(provider.url, headers={"x-team": "a"}), board), board)
        await until_published(lists_of(settings_of(provider.url, vendor="anthropic"), Board()), board)
    assert board.lists == {"acme": ["gpt-4o", "gpt-4o-mini"]}
    assert provider.heads[0].startswith("GET /v1/models HTTP/1.1")
    assert f"authorization: bearer {SECRET}" in provider.heads[0].lower()
    assert "x-team: a" in provider.heads[0].lower()


async def test_a_list_in_geminis_shape_is_read_too() -> None:
    answer = 200, b'{"models": [{"name": "models/gemini-9", "version": "1"}], "nextPageToken": ""}'
    async with serving(answer) as provider:
        settings = settings_of(provider.url, vendor="gemini")
        assert await lists_of(settings, Board()).ask(settings) == ["models/gemini-9"]
        assert provider.heads[0].startswith("GET /v1/models?pageSize=1000 HTTP/1.1")
        assert f"x-goog-api-key: {SECRET}" in provider.heads[0].lower()


async def test_a_list_is_asked_for_again_and_again() -> None:
    board = Board()
    async with serving(listing("old"), listing("new")) as provider:
        stop = asyncio.Event()
        running = asyncio.create_task(lists_of(settings_of(provider.url), board, refresh_s=0.01).run(stop))
        async with asyncio.timeout(20):
            while board.lists.get("acme") != ["new"]:
                await asyncio.sleep(0.01)
        stop.set()
        await running


async def test_a_provider_that_recovers_is_tried_again_soon(caplog: pytest.LogCaptureFixture) -> None:
    board = Board()
    with caplog.at_level(logging.DEBUG):
        async with serving((500, b"oops"), (429, b"slow down"), listing("gpt-4o")) as provider:
            await until_published(lists_of(settings_of(provider.url), board), board)
    assert board.lists == {"acme": ["gpt-4o"]}
    assert len(provider.heads) == 3
    assert SECRET not in caplog.text


async def test_a_second_credential_is_tried_when_the_first_is_refused() -> None:
    async with serving((401, b"no"), listing("gpt-4o")) as provider:
        settings = settings_of(provider.url, "sk-revoked", "sk-good")
        assert await lists_of(settings, Board()).ask(settings) == ["gpt-4o"]
        assert "sk-good" in provider.heads[1]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((401, SECRET.encode()), "answered 401"),
        ((200, b"<html>"), "its list is not one"),
        ((200, b'{"data": [{"id": 7}]}'), "its list is not one"),
        ((200, b'{"object": "list"}'), "its list is not one"),
        ((200, b'{"data": "' + b"x" * LIST_BYTES_MAX + b'"}'), "more than"),
    ],
)
async def test_a_bad_answer_is_named_and_not_asked_for_again(
    answer: Answer, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    board = Board()
    async with serving(answer) as provider:
        settings = settings_of(provider.url)
        with pytest.raises(ListFailed, match=text) as failed:
            await lists_of(settings, board).ask(settings)
        assert not failed.value.again
        stop = asyncio.Event()
        running = asyncio.create_task(lists_of(settings, board).run(stop))
        async with asyncio.timeout(20):
            while "cannot be listed" not in caplog.text:
                await asyncio.sleep(0.01)
        stop.set()
        await running
        assert len(provider.heads) == 2
    assert board.lists == {}
    assert SECRET not in caplog.text


async def test_nobody_there_is_a_failure_that_may_pass() -> None:
    async with serving(listing("gpt-4o")) as provider:
        settings = settings_of(provider.url)
    with pytest.raises(ListFailed) as failed:
        await lists_of(settings, Board()).ask(settings)
    assert failed.value.again


async def test_names_that_no_request_could_carry_are_left_out() -> None:
    async with serving(listing("", "x" * 300, "line\nbreak", "good")) as provider:
        settings = settings_of(provider.url)
        assert await lists_of(settings, Board()).ask(settings) == ["good"]


async def test_providers_that_are_not_to_be_asked_are_not() -> None:
    async with serving(listing("gpt-4o")) as provider:
        lists = lists_of(settings_of(provider.url, list_models=False), Board())
        async with asyncio.timeout(20):
            await lists.run(asyncio.Event())
        assert provider.heads == []


async def test_stopping_does_not_wait_for_a_provider_that_says_nothing() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await gone.wait()
        writer.close()

    asked, gone = asyncio.Event(), asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    running = asyncio.create_task(lists_of(settings_of(url), Board()).run(asyncio.Event()))
    async with asyncio.timeout(20):
        await asked.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    gone.set()
    server.close()
