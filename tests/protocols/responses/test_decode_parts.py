"""Parts of messages: words, pictures, documents, sound, citations."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Citation,
    Document,
    Image,
    Refused,
    Source,
    Text,
    ToolResult,
)
from fastgw.protocols.responses.decode_parts import citation
from tests.protocols.responses.kit import decoded, parts

URL = '{"type":"url_citation","url":"https://a.example","title":"A","start_index":1,"end_index":4}'
BREAK = {"prompt_cache_breakpoint": {"mode": "explicit"}}


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ({"type": "input_text", "text": "a"}, Text("a")),
        ({"type": "input_text", "text": "a"} | BREAK, Text("a", Cache())),
        ({"type": "text", "text": "a"}, Text("a")),
        ({"type": "output_text", "text": "a", "annotations": [], "logprobs": []}, Text("a")),
        ({"type": "refusal", "refusal": "no"}, Refused("no")),
        ({"type": "input_image", "image_url": "https://a/b", "detail": "low"}, Image(Source(url="https://a/b"), "low")),
        ({"type": "input_image", "image_url": "data:image/png;base64,QUJD"}, Image(Source("image/png", data="QUJD"))),
        ({"type": "input_image", "file_id": "file-1"} | BREAK, Image(Source(file_id="file-1"), cache=Cache())),
        ({"type": "input_file", "file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"},
         Document(Source("application/pdf", data="QUJD"), "a.pdf")),
        ({"type": "input_file", "file_data": "QUJD"}, Document(Source(data="QUJD"))),
        ({"type": "input_file", "file_url": "https://a/b.pdf"}, Document(Source(url="https://a/b.pdf"))),
        ({"type": "input_file", "file_id": "file-1"}, Document(Source(file_id="file-1"))),
        ({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
         Audio(Source("audio/wav", data="QUJD"))),
    ],
)  # fmt: skip
def test_each_part(part: dict[str, Any], wanted: Any) -> None:
    assert parts({"role": "user", "content": [part]}) == (wanted,)


def test_pictures_in_what_a_tool_answered() -> None:
    output = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://a/b"}]
    (result,) = parts({"type": "function_call_output", "call_id": "c", "output": output})
    assert result == ToolResult("c", (Text("a"), Image(Source(url="https://a/b"))))


def test_citations_are_kept_as_they_came() -> None:
    assert citation(URL.encode()) == Citation(
        "url", "https://a.example", "A", start=1, end=4, dialect="responses", raw=URL
    )
    file = '{"type":"file_citation","file_id":"f","index":3,"filename":"a.pdf"}'
    assert citation(file.encode()) == Citation("file", title="a.pdf", dialect="responses", raw=file)
    for other in ('{"type":"file_path","file_id":"f","index":1}', '{"type":5}'):
        assert citation(other.encode()) == Citation("opaque", dialect="responses", raw=other)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_image"},
        {"type": "input_image", "image_url": "data:image/png;base64,%%%"},
        {"type": "input_file", "filename": "a"},
        {"type": "input_image", "image_url": {"url": "https://a"}},
    ],
)
def test_a_medium_from_nowhere(part: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        decoded(input=[{"role": "user", "content": [part]}])
    assert (caught.value.param or "").startswith("input[0].content[0].")


def test_what_has_no_place_is_listed() -> None:
    _, losses = decoded(input=[{"role": "assistant", "content": [
        {"type": "output_text", "text": "a", "logprobs": [{"token": "a", "logprob": 0}]},
        {"type": "input_file", "file_id": "f", "detail": "high"},
    ]}])  # fmt: skip
    assert losses == ("input[0].content[0].logprobs", "input[0].content[1].detail")
