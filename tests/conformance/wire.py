"""What the tests with OpenAI's SDK for Python share: a client that shows the bodies it sends, and things to ask."""

from typing import Any

import httpx2
import openai
from openai import OpenAI

MODEL = "fake/fake-1"
HELLO: list[Any] = [{"role": "user", "content": 'Grüß Gott, 世界 \u2028 "quoted" \\ 1e400'}]
TEXT = "Hello from the fake provider."
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Looks up the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}


class Wire:
    """An SDK client, and the bodies that it has sent."""

    def __init__(self, base_url: str, key: str, **options: Any) -> None:
        self.sent: list[bytes] = []
        http = openai.DefaultHttpxClient(event_hooks={"request": [self._record]})
        self.openai = OpenAI(base_url=base_url, api_key=key, http_client=http, **({"max_retries": 0} | options))

    def _record(self, request: httpx2.Request) -> None:
        self.sent.append(request.content)
