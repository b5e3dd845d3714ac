"""Which path is served by what: every path that clients are known to ask reaches a handler of its dialect."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from fastgw.app.worker_app import asgi
from fastgw.providers import VENDORS
from fastgw.settings import load
from tests.dataplane.caller import Caller

BASES = ("/v1", "/api/v1", "")
CLAUDE_CODE = ("/openai/v1/messages", "/v1/v1/messages", "/openai/v1/v1/messages", "/api/v1/v1/messages")
OPENAI_PATHS = [
    f"{base}/{tail}"
    for base in BASES
    for tail in ("chat/completions", "completions", "responses", "responses/input_tokens", "responses/compact")
]
MESSAGES_PATHS = [
    f"{path}{tail}"
    for path in (*(f"{base}/messages" for base in BASES), *CLAUDE_CODE)
    for tail in ("", "/count_tokens")
]
GEMINI_PATHS = [
    f"{base}/models/{model}:{action}"
    for base in ("/v1", "/v1beta", "/api/v1", "/api/v1beta", "")
    for model in ("m", "a/b:free", "models/x")
    for action in ("generateContent", "streamGenerateContent", "countTokens")
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    """The application without its lifespan: a request without a key needs no store."""
    folder: Path = tmp_path_factory.mktemp("app")
    environ = {"FASTGW_DATA_DIR": str(folder), "FASTGW_REDIS_URL": "redis://127.0.0.1:1", "OPENAI_API_KEY": "x"}
    return asgi(load(environ, None, VENDORS))


async def ask(app: Starlette, path: str, method: str = "POST", headers: Any = ()) -> Caller:
    scope = {"method": method, "raw_path": path.encode(), "headers": list(headers), "root_path": ""}
    return await Caller(app, "", {}, path=path, **scope).answer()


def envelope(caller: Caller) -> Any:
    return json.loads(caller.text)


@pytest.mark.parametrize("path", OPENAI_PATHS)
async def test_openais_paths(app: Starlette, path: str) -> None:
    caller = await ask(app, path)
    assert (caller.status, envelope(caller)["error"]["type"]) == (401, "authentication_error")
    assert (await ask(app, path, "DELETE")).status == 405


@pytest.mark.parametrize("path", MESSAGES_PATHS)
async def test_anthropics_paths(app: Starlette, path: str) -> None:
    caller = await ask(app, path)
    assert (caller.status, envelope(caller)["type"]) == (401, "error")
    assert envelope(caller)["error"]["type"] == "authentication_error"
    assert b"request-id" in caller.headers


@pytest.mark.parametrize("path", GEMINI_PATHS)
async def test_googles_paths(app: Starlette, path: str) -> None:
    caller = await ask(app, path)
    assert (caller.status, envelope(caller)["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages/batches",
        "/openai/v1/messages/count_tokens/x",
        "/v1/v1/v1/messages",
        "/v1beta/models/m:predict",
        "/v1beta/models/..:generateContent",
        "/v1beta/models/:generateContent",
        "/v1/responses/resp_1",
        "/v2/chat/completions",
    ],
)
async def test_what_merely_looks_like_a_path_is_unknown(app: Starlette, path: str) -> None:
    caller = await ask(app, path)
    assert caller.status == 404
    if "/v1beta" in path:
        assert envelope(caller)["error"]["status"] == "NOT_FOUND"
    elif "messages" in path:
        assert envelope(caller)["error"]["type"] == "not_found_error"
    else:
        assert envelope(caller)["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/a/b", "/v1beta/models", "/v1beta/models/m", "/models"])
async def test_lists_need_a_key_too(app: Starlette, path: str) -> None:
    assert (await ask(app, path, "GET")).status == 401


async def test_probes_need_no_key(app: Starlette) -> None:
    assert (await ask(app, "/healthz", "GET")).status == 200
    assert (await ask(app, "/readyz", "GET")).status == 503
    hello = await ask(app, "/api/hello", "HEAD")
    assert (hello.status, hello.text) == (200, b"")


async def test_an_upgrade_is_refused_at_once(app: Starlette) -> None:
    upgrade = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
    assert (await ask(app, "/v1/responses", "GET", upgrade)).status == 426
    assert (await ask(app, "/v1/responses", "GET")).status == 405


@pytest.mark.parametrize("base", ["/v1", "/v1beta", "/api/v1", "/api/v1beta", ""])
async def test_the_name_of_a_model_reaches_the_handler(app: Starlette, base: str, monkeypatch: Any) -> None:
    seen: list[Any] = []

    async def handler(scope: Any, _receive: Any, send: Any) -> None:
        seen.append(scope.get("path_params", {}).get("model"))
        await send({"type": "http.response.start", "status": 200, "headers": []})

    monkeypatch.setitem(vars(app)["_models"], f"{base}/models/", handler)
    for name in ("m", "a/b:free", "models/x"):
        await ask(app, f"{base}/models/{name}", "GET")
    assert seen == ["m", "a/b:free", "models/x"]


async def test_an_action_is_only_posted_to(app: Starlette) -> None:
    caller = await ask(app, "/v1beta/models/m:generateContent", "GET")
    assert (caller.status, caller.headers[b"allow"]) == (405, b"POST")
    assert (await ask(app, "/v1beta/models/m:free", "GET")).status == 401
    assert (await ask(app, "/v1beta/models/m:free", "DELETE")).status == 405
