"""The official SDKs page through the lists by themselves, and read every model of them."""

from collections.abc import Callable
from urllib.parse import parse_qs

import anthropic as anthropic_sdk
import httpx2
from google import genai
from google.genai import types
from openai import OpenAI

from fastgw.protocols.listing import anthropic, google, openai
from fastgw.protocols.listing.entry import Shape
from tests.protocols.listing.entries import KNOWN, many

MODELS = [*many(44), KNOWN]
NAMES = [one.id for one in MODELS]
asked: list[str] = []


def serving(shape: Shape) -> httpx2.Client:
    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        last = request.url.path.endswith("/models")
        body = shape.listed(MODELS, parse_qs(request.url.query.decode())) if last else shape.shown(KNOWN)
        return httpx2.Response(200, content=body, headers={"content-type": "application/json"})

    asked.clear()
    handler: Callable[[httpx2.Request], httpx2.Response] = answer
    return httpx2.Client(transport=httpx2.MockTransport(handler))


def test_openai() -> None:
    client = OpenAI(api_key="x", base_url="http://gateway/v1", http_client=serving(openai))
    assert [one.id for one in client.models.list()] == NAMES
    assert client.models.retrieve(KNOWN.id).created == KNOWN.created


def test_anthropic() -> None:
    client = anthropic_sdk.Anthropic(api_key="x", base_url="http://gateway", http_client=serving(anthropic))
    assert [one.id for one in client.models.list(limit=7)] == NAMES
    assert len(asked) == 7
    backward = [one.id for one in client.models.list(before_id=NAMES[30], limit=10)]
    assert sorted(backward) == sorted(NAMES[:30])
    assert client.models.retrieve(KNOWN.id).max_input_tokens == KNOWN.context_length


def test_google() -> None:
    options = types.HttpOptions(base_url="http://gateway", httpx_client=serving(google))
    client = genai.Client(api_key="x", http_options=options)
    found = list(client.models.list(config={"page_size": 7}))
    assert [one.name for one in found] == [f"models/{name}" for name in NAMES]
    assert len(asked) == 7
    one = client.models.get(model=KNOWN.id)
    assert (one.name, one.input_token_limit) == (f"models/{KNOWN.id}", KNOWN.context_length)
