"""Parts of messages for a lane: media by its abilities, or a refusal that says why."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Audio, Cache, Citation, Document, Image, Part, Source, Text, Video
from tests.protocols.chat.ask import asked, lane, sent, turn

PDF = Source("application/pdf", data="AAAA")


def content(*parts: Part, origin: str = "messages", **abilities: Any) -> Any:
    return sent(asked(turn("user", *parts), origin=origin), lane(**abilities))[0]["messages"][0]["content"]


@pytest.mark.parametrize(("part", "expected"), [
    (Image(Source(url="https://a/b"), "high"), {"type": "image_url", "image_url": {"url": "https://a/b",
                                                                                   "detail": "high"}}),
    (Image(Source(data="iVBORw0KGgoAAAA=")),
     {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgoAAAA="}}),
    (Document(PDF, "a.pdf"),
     {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}}),
    (Document(PDF),
     {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "document.pdf"}}),
    (Audio(Source("audio/mpeg", data="AAAA")), {"type": "input_audio", "input_audio": {"data": "AAAA",
                                                                                       "format": "mp3"}}),
])  # fmt: skip
def test_media(part: Part, expected: dict[str, Any]) -> None:
    assert content(Text("x"), part) == [{"type": "text", "text": "x"}, expected]


def test_a_document_of_words_is_words() -> None:
    part = Document(Source(), "n", "about", text="words")
    assert content(Text("x"), part) == 'x\n\nabout\n<document name="n">\nwords\n</document>'


def test_video_where_it_is_seen() -> None:
    part = Video(Source("video/mp4", data="AAAA"))
    assert content(part, video_input=True)[0]["video_url"] == {"url": "data:video/mp4;base64,AAAA"}


@pytest.mark.parametrize(("part", "abilities"), [
    (Image(Source(url="https://a/b")), {"image_input": False}),
    (Image(Source(url="https://a/b")), {"image_url": False}),
    (Image(Source(url="gs://a/b")), {}),
    (Image(Source(file_id="f")), {}),
    (Document(PDF), {"document_input": False}),
    (Document(Source(url="https://a/b")), {}),
    (Document(Source(file_id="f")), {}),
    (Audio(Source("audio/wav", data="AAAA")), {"audio_input": False}),
    (Audio(Source(url="https://a/b")), {}),
    (Video(Source("video/mp4", data="AAAA")), {}),
])  # fmt: skip
def test_what_the_lane_cannot_take_is_refused(part: Part, abilities: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        content(part, **abilities)
    assert (caught.value.status, caught.value.param) == (400, "messages")


def test_a_file_of_openai_reaches_openai() -> None:
    part = Document(Source(file_id="file-1"))
    assert content(part, origin="responses") == [{"type": "file", "file": {"file_id": "file-1"}}]
    with pytest.raises(GatewayError):
        content(part, origin="responses", family="deepseek")


def test_documents_are_fetched_by_lanes_that_can() -> None:
    part = Document(Source(url="https://a/b.pdf"), "b.pdf")
    assert content(part, document_url=True)[0]["file"]["file_data"] == "https://a/b.pdf"


def test_breakpoints_are_kept_where_they_mean_something() -> None:
    part = Text("x", Cache("1h"))
    marked = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert content(part, cache_control=True) == marked
    assert content(part) == "x"


def test_citations_of_earlier_answers_are_a_loss() -> None:
    cited = Text("x", citations=(Citation("url", url="https://a"),))
    _, losses = sent(asked(turn("user", cited, Image(Source(url="https://a/b")))), lane())
    assert losses == ("messages.citations",)
