"""Google's own SDK in the loop: its chats stream an answer, call the function, and send everything back."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from google import genai
from google.genai import types

from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.hub.conversation import Conversation, Text, Thought, ToolCall, ToolResult
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Finish, Kind, Seal, Start, StopReason, Used
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered
from fastgw.usage import Usage
from tests.protocols.gemini.kit import fields_of, setting

SEALED = Sealed("anthropic", "SIG+/=")
CALLING: list[Event] = [
    Start(),
    BlockStart(0, Kind.REASONING), Delta(0, "I th"), Delta(0, "ink"), Seal(0, SEALED), BlockEnd(0),
    BlockStart(1, Kind.TEXT), Delta(1, "Let me "), Delta(1, "see"), BlockEnd(1),
    BlockStart(2, Kind.TOOL_CALL, "toolu_1", "weather"), Delta(2, '{"city":'), Delta(2, '"Bonn"}'), BlockEnd(2),
    Used(Usage(7, out_text=5, out_reasoning=2)), Finish(StopReason.TOOLS),
]  # fmt: skip
ANSWERING: list[Event] = [
    BlockStart(0, Kind.TEXT),
    Delta(0, "It "),
    Delta(0, "rains"),
    BlockEnd(0),
    Finish(StopReason.END),
]


class _Gateway(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Conversation] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Gateway

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        stream = ":streamGenerateContent" in self.path
        fields = fields_of(self.rfile.read(int(self.headers["content-length"])))
        conversation = DIALECT.decode_request(fields, FromPath("m", stream=stream), Losses())
        self.server.asked.append(conversation)
        answered = any(isinstance(part, ToolResult) for turn in conversation.turns for part in turn.parts)
        events = ordered(ANSWERING if answered else CALLING)
        if stream:
            writer = DIALECT.writer(setting())
            body = b"".join(writer.write([event]) for event in events) + writer.end()
        else:
            body = DIALECT.encode_answer(events, setting())
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def gateway() -> Iterator[_Gateway]:
    with _Gateway() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client(gateway: _Gateway) -> genai.Client:
    options = types.HttpOptions(base_url=f"http://127.0.0.1:{gateway.server_port}")
    return genai.Client(api_key="k", http_options=options)


def weather(city: str) -> str:
    """How the weather is."""
    return f"rain in {city}"


@pytest.mark.parametrize("stream", [True, False])
def test_a_chat_with_a_function(gateway: _Gateway, stream: bool) -> None:
    with client(gateway) as sdk:
        config = types.GenerateContentConfig(tools=[weather], system_instruction="be", top_k=40)
        chat = sdk.chats.create(model="m", config=config)
        if stream:
            text = "".join(part.text or "" for chunk in chat.send_message_stream("hi") for part in chunk.parts or [])
            assert text == "I thinkLet me seeIt rains"
        else:
            assert chat.send_message("hi").text == "It rains"
        chat.send_message("again")
    told, result, answer = gateway.asked[-1].turns[2:5]
    assert told.parts == (
        Thought("I think", SEALED),
        Text("Let me see"),
        ToolCall("call_1", "weather", '{"city": "Bonn"}'),
    )
    assert isinstance(result.parts[0], ToolResult)
    assert (result.parts[0].call_id, result.parts[0].parts) == ("call_1", (Text("rain in Bonn"),))
    assert answer.parts == (Text("It rains"),)


def test_a_whole_answer(gateway: _Gateway) -> None:
    with client(gateway) as sdk:
        answer = sdk.models.generate_content(model="m", contents="hi")
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.total_token_count == 14
    assert answer.usage_metadata.thoughts_token_count == 2
    assert [call.args for call in answer.function_calls or []] == [{"city": "Bonn"}]
    assert answer.model_version == "my-model"
