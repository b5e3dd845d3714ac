"""Parts of a caller's contents."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.gemini.decode_parts import said
from fastgw.protocols.hub.conversation import Audio, Document, Image, Opaque, Source, Text, ToolResult, Video
from tests.protocols.gemini.kit import asked

PART = "contents[0].parts[0]"


def parts(*given: Any, role: str = "user") -> Any:
    return asked({"contents": [{"role": role, "parts": list(given)}]}).turns[0].parts


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"inlineData": {"mimeType": "image/png", "data": "aGk="}}, Image(Source("image/png", data="aGk="))),
        ({"inlineData": {"mimeType": "audio/wav", "data": "aGk="}}, Audio(Source("audio/wav", data="aGk="))),
        ({"inlineData": {"mimeType": "video/mp4", "data": "aGk="}}, Video(Source("video/mp4", data="aGk="))),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "aGk=", "displayName": "a.pdf"}},
            Document(Source("application/pdf", data="aGk="), filename="a.pdf"),
        ),
        (
            {"fileData": {"fileUri": "https://x.test/a.JPG?b=c"}},
            Image(Source("image/jpeg", url="https://x.test/a.JPG?b=c")),
        ),
        ({"fileData": {"fileUri": "https://youtu.be/x"}}, Video(Source("video/mp4", url="https://youtu.be/x"))),
        ({"fileData": {"fileUri": "gs://b/a.pdf"}}, Document(Source("application/pdf", url="gs://b/a.pdf"))),
        (
            {
                "fileData": {
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x",
                    "mimeType": "image/png",
                }
            },
            Image(Source("image/png", file_id="https://generativelanguage.googleapis.com/v1beta/files/x")),
        ),
        ({"text": ""}, Text("")),
        (
            {"executableCode": {"code": "1"}},
            Opaque("gemini", "executableCode", '{"executableCode":{"code":"1"}}', f"{PART}.executableCode"),
        ),
    ],
)
def test_each_part(part: Any, expected: Any) -> None:
    assert parts(part) == (expected,)


def test_what_stands_beside_a_part_follows_it() -> None:
    video, fps, resolution = parts(
        {"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 2}, "mediaResolution": None,
         "partMetadata": {"a": 1}}
    )  # fmt: skip
    assert isinstance(video, Video)
    assert fps == Opaque("gemini", "videoMetadata", '{"fps":2}', f"{PART}.videoMetadata")
    assert resolution == Opaque("gemini", "partMetadata", '{"a":1}', f"{PART}.partMetadata")


def test_one_part_holds_one_kind_of_data() -> None:
    with pytest.raises(GatewayError) as caught:
        parts({"text": "a", "functionCall": {"name": "f"}})
    assert caught.value.param == "contents[0].parts[0]"
    assert parts({}) == ()


def test_a_signature_on_what_has_no_place_for_one_stands_beside_it() -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thoughtSignature": "b3du"}
    assert parts(picture, role="model")[1] == Opaque("gemini", "thoughtSignature", '"b3du"', f"{PART}.thoughtSignature")
    assert parts({**picture, "thought": True}, role="model") == ()


def test_pictures_in_results() -> None:
    (result,) = parts(
        {"functionResponse": {"name": "f", "response": {}, "parts": [
            {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
        ]}}
    )  # fmt: skip
    assert isinstance(result, ToolResult)
    assert result.parts == (Image(Source("image/png", data="aGk=")),)
    _, beside = parts(
        {"functionResponse": {"name": "f", "parts": [{"inline_data": {"mime_type": "image/png", "display_name": "n"}}]}}
    )
    assert isinstance(beside, Opaque)
    assert beside.kind == "functionResponse.parts"
    assert '"displayName":"n"' in beside.raw


@pytest.mark.parametrize(
    ("raw", "words", "is_error"),
    [
        (b'{"output":"a\\nb"}', "a\nb", None),
        (b'{"result":"x"}', "x", None),
        (b'{"error":"bad"}', "bad", True),
        (b'{"error":{"code":5}}', '{"error":{"code":5}}', True),
        (b'{"error":null,"output":"x"}', '{"error":null,"output":"x"}', None),
        (b'{"output": 5}', '{"output": 5}', None),
        (b'{"temp":20,"unit":"C"}', '{"temp":20,"unit":"C"}', None),
        (b"{}", "", None),
        (b"", "", None),
        (b'["a"]', '["a"]', None),
    ],
)
def test_the_words_of_a_result(raw: bytes, words: str, is_error: bool | None) -> None:
    assert said(raw) == (words, is_error)
