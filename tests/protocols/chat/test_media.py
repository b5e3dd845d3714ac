"""URLs and formats of media."""

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.chat import media
from fastgw.protocols.hub.conversation import Source


def test_sources() -> None:
    assert media.source("https://a/b", "p") == Source(url="https://a/b")
    assert media.source("data:image/png;base64,AAAA", "p") == Source("image/png", data="AAAA")
    with pytest.raises(GatewayError) as caught:
        media.source("data:image/png", "messages[0]")
    assert caught.value.param == "messages[0]"


def test_urls() -> None:
    assert media.url(Source(url="https://a/b"), "x/y") == "https://a/b"
    assert media.url(Source("image/webp", data="AAAA"), "x/y") == "data:image/webp;base64,AAAA"
    assert media.url(Source(data="AAAA"), "x/y") == "data:x/y;base64,AAAA"


@pytest.mark.parametrize(("name", "media_type"), [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("m4a", "audio/mp4"),
                                                  ("flac", "audio/flac")])  # fmt: skip
def test_formats_of_sound_go_both_ways(name: str, media_type: str) -> None:
    assert media.audio_type(name) == media_type
    assert media.audio_format(Source(media_type, data="AAAA")) == name


def test_unknown_sound_is_taken_for_wav() -> None:
    assert media.audio_format(Source(data="AAAA")) == "wav"
    assert media.audio_format(Source("audio/x-wav", data="AAAA")) == "wav"
