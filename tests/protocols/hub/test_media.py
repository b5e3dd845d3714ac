"""Media in a conversation: what `data:` URLs hold, what bytes are, which URLs a lane leaves to the gateway."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.hub import media
from fastgw.protocols.hub.conversation import Conversation, Document, Image, Source, Text, ToolResult, Turn
from fastgw.protocols.hub.target import Abilities

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@given(st.binary(max_size=200), st.sampled_from(["", "image/png", "Text/Plain;charset=utf-8", "image/svg+xml"]))
@settings(max_examples=60)
def test_both_encodings_carry_any_bytes(content: bytes, head: str) -> None:
    plain = base64.b64encode(content).decode()
    expected = Source(media_type=head.partition(";")[0].lower(), data=plain)
    assert media.parse_data_url(f"data:{head};base64,{plain}") == expected
    assert media.parse_data_url(f"data:{head},{quote(content)}") == expected
    for mended in (plain.rstrip("="), plain.replace("+", "-").replace("/", "_"), quote(plain), f" {plain}\r\n"):
        assert media.parse_data_url(f"data:{head};base64,{mended}") == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.png",
        "data:image/png;base64",
        "data:image/png;base64,iVBO*w0K",
        "data:image/png;base64,iVBOR",
        "data:image/png;base64,iVBO==w0",
        "data:image/png;base64,ïVBO",
        "data:not a type;base64,iVBO",
        "data:" + "a" * 2_000 + ",x",
    ],
)
def test_what_is_no_sound_data_url(url: str) -> None:
    assert media.parse_data_url(url) is None


def test_a_data_url_is_bounded() -> None:
    head = "data:image/png;base64,"
    fits = head + "A" * ((media.DATA_URL_CHARS_MAX - len(head)) // 4 * 4)
    assert media.parse_data_url(fits) is not None
    assert media.parse_data_url(fits + "AAAA" * 2) is None


def test_a_url_is_where_it_points_to_unless_it_holds_the_bytes() -> None:
    assert media.source_of("https://example.org/a.png") == Source(url="https://example.org/a.png")
    assert media.source_of("DATA:image/gif;BASE64,R0lG") == Source(media_type="image/gif", data="R0lG")
    assert media.source_of("data:image/gif;base64,R0lG*") is None


@pytest.mark.parametrize(
    ("prefix", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"RIFF\x24\x00\x00\x00CDDA", ""),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"OggS\x00", "audio/ogg"),
        (b"fLaC\x00", "audio/flac"),
        (b"<html>", ""),
        (b"\xff", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_tell_what_it_is(prefix: bytes, media_type: str) -> None:
    assert media.sniff(prefix) == media_type
    assert media.sniff(prefix + b"\x00" * 100) == media_type or prefix == b"\xff"


def test_what_was_said_comes_before_what_the_bytes_tell() -> None:
    data = base64.b64encode(PNG).decode()
    assert media.media_type_of(Source(data=data)) == "image/png"
    assert media.media_type_of(Source(data=data, media_type="image/jpg")) == "image/jpeg"
    assert media.media_type_of(Source(data=data, media_type="image/webp")) == "image/webp"
    assert media.media_type_of(Source(data="é")) == ""
    assert media.media_type_of(Source(url="https://example.org/")) == ""


PICTURE, PAPER, SHOT = "https://example.org/a.png", "HTTP://example.org/b.pdf", "https://example.org/c.png"
QUESTION = Conversation(
    origin="chat",
    turns=(
        Turn("user", (Text("look"), Image(Source(url=PICTURE), detail="low"), Document(Source(url=PAPER)))),
        Turn("user", (Image(Source(url="gs://bucket/d.png")), Image(Source(data="AAAA")))),
        Turn("tool", (ToolResult("1", (Image(Source(url=SHOT)), Image(Source(url=PICTURE)))),)),
    ),
)


def test_only_what_the_lane_cannot_fetch_is_wanted() -> None:
    assert media.wanted(QUESTION, Abilities(image_url=True, document_url=True)) == ()
    assert media.wanted(QUESTION, Abilities(image_url=True, document_url=False)) == (PAPER,)
    assert media.wanted(QUESTION, Abilities(image_url=False, document_url=True)) == (PICTURE, SHOT)
    assert media.wanted(QUESTION, Abilities(image_url=False, document_url=False)) == (PICTURE, PAPER, SHOT)


def test_what_was_fetched_stands_where_the_url_stood_and_nothing_else_changes() -> None:
    bytes_ = {PICTURE: Source(media_type="image/png", data="UE5H"), SHOT: Source(media_type="image/gif", data="R0lG")}
    filled = media.with_fetched(QUESTION, bytes_)
    assert filled.turns[0].parts == (
        Text("look"),
        Image(bytes_[PICTURE], detail="low"),
        Document(Source(url=PAPER)),
    )
    assert filled.turns[1] is QUESTION.turns[1]
    assert filled.turns[2].parts == (ToolResult("1", (Image(bytes_[SHOT]), Image(bytes_[PICTURE]))),)
    assert media.wanted(filled, Abilities(image_url=False, document_url=False)) == (PAPER,)
    assert media.with_fetched(QUESTION, {}) is QUESTION
