"""Media as content: by bytes, by URL or by id, as the lane takes it."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Audio, Cache, Document, Image, Source, Text, Turn, Video
from tests.conformance import spec
from tests.protocols.responses.kit import asked, encoded

PDF = Source("application/pdf", data="JVBERi0=")
LINK = Source(url="https://a.example/b")


def content(part: Any, origin: str = "messages", **abilities: Any) -> Any:
    made = encoded(asked(Turn("user", (part,)), origin=origin), **abilities)
    losses = made.pop("losses")
    spec.assert_valid(made, "CreateResponse")
    return made["input"][0]["content"], losses


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (Image(Source("image/png", data="QUJD")),
         {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"}),
        (Image(LINK, "high"), {"type": "input_image", "image_url": "https://a.example/b", "detail": "high"}),
        (Document(PDF, "a.pdf"),
         {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}),
        (Document(Source(data="JVBERi0=")),
         {"type": "input_file", "file_data": "data:application/pdf;base64,JVBERi0=", "filename": "document.pdf"}),
    ],
)  # fmt: skip
def test_media(part: Any, wanted: dict[str, Any]) -> None:
    assert content(part) == ([wanted], ())


def test_documents_by_url_where_the_lane_fetches() -> None:
    assert content(Document(LINK), document_url=True)[0] == [{"type": "input_file", "file_url": "https://a.example/b"}]


def test_documents_of_text_and_what_is_said_of_them() -> None:
    part = Document(Source(), "T", context="About.", text="Words.")
    assert [one["text"] for one in content(part)[0]] == ["About.", "T\n\nWords."]
    made, losses = content(Document(PDF, "a.pdf", citations=True))
    assert (len(made), losses) == (1, ("messages.citations",))


def test_breakpoints_where_the_lane_takes_them() -> None:
    made, losses = content(Text("a", Cache("1h")), cache_control=True)
    assert made == [{"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}]
    assert losses == ()
    assert content(Text("a", Cache()))[1] == ("cache_control",)


@pytest.mark.parametrize(
    ("part", "abilities"),
    [
        (Image(LINK), {"image_url": False}),
        (Image(LINK), {"image_input": False}),
        (Image(Source(url="gs://b/c")), {}),
        (Image(Source(file_id="file_1")), {}),
        (Document(LINK), {}),
        (Document(PDF), {"document_input": False}),
        (Audio(Source("audio/wav", data="QUJD")), {}),
        (Video(Source("video/mp4", data="QUJD")), {}),
    ],
)
def test_what_cannot_be_shown_is_refused(part: Any, abilities: dict[str, Any]) -> None:
    with pytest.raises(GatewayError) as caught:
        content(part, **abilities)
    assert (caught.value.param, caught.value.status) == ("messages", 400)


def test_bytes_of_an_unknown_kind_are_taken_for_the_usual_one() -> None:
    assert content(Image(Source(data="AAAA")))[0][0]["image_url"] == "data:image/png;base64,AAAA"
    assert content(Document(Source(data="AAAA")))[0][0]["file_data"] == "data:application/pdf;base64,AAAA"


def test_files_of_chat_are_files_here() -> None:
    assert content(Image(Source(file_id="file_1")), origin="chat")[0][0]["file_id"] == "file_1"
