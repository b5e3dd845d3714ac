"""Gemini's paths: the model of the path reaches the handler of its action, and nothing else does."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from fastgw.dataplane.actions import Actions
from fastgw.protocols.hub.dialect import FromPath

Scope = MutableMapping[str, Any]


class Told:
    """A handler that keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[FromPath | None] = []

    async def __call__(self, scope: Scope, receive: Any, send: Any, said: FromPath | None = None) -> None:
        self.said.append(said)


async def ask(path: str, method: str = "POST", query: bytes = b"") -> tuple[Told, Told, Told]:
    act, listed, unknown = Told(), Told(), Told()
    actions = Actions({"generateContent": act, "streamGenerateContent": act}, listed, unknown)
    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    await actions(scope, None, None)  # type: ignore[arg-type]
    return act, listed, unknown


@pytest.mark.parametrize("base", ["/v1", "/v1beta", "/api/v1", "/api/v1beta", ""])
async def test_a_model_and_its_action_are_found_below_every_base(base: str) -> None:
    act, _, _ = await ask(f"{base}/models/a/b:free:streamGenerateContent", query=b"alt=sse")
    assert act.said == [FromPath(model="a/b:free", stream=True, framing="sse")]


async def test_a_tuned_model_keeps_its_folder() -> None:
    act, _, _ = await ask("/v1beta/tunedModels/mine:generateContent")
    assert act.said == [FromPath(model="tunedModels/mine", stream=False, framing="array")]


@pytest.mark.parametrize("path", ["/v1beta/models/m", "/v1beta/models/m:fly", "/v1beta/models/..:generateContent"])
async def test_what_nobody_serves_is_unknown(path: str) -> None:
    act, listed, unknown = await ask(path)
    assert (act.said, listed.said, len(unknown.said)) == ([], [], 1)


@pytest.mark.parametrize("path", ["/v1beta/models/m", "/v1beta/models/m:fly", "/v1beta/models/m:countTokens"])
async def test_reading_is_the_lists_business(path: str) -> None:
    _, listed, _ = await ask(path, "GET")
    assert len(listed.said) == 1


async def test_an_action_is_only_ever_posted_to() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    actions = Actions({"generateContent": Told()}, Told(), Told())
    scope = {"type": "http", "method": "GET", "path": "/v1beta/models/m:generateContent", "query_string": b""}
    await actions(scope, None, send)  # type: ignore[arg-type]
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"allow"]) == (405, b"POST")
