"""The promise about bodies: a provider gets what the caller sent, byte for byte but for two members at the top."""

from typing import Any

import msgspec

from tests.fakes import Seen

_top = msgspec.json.Decoder(dict[str, msgspec.Raw])


def assert_spliced(sent: bytes, seen: Seen, *, model: str = "fake-1") -> None:
    """`seen` is what the caller's body `sent` has become: another `model`, usage asked for if it streams, no more."""
    given, got = _top.decode(sent), _top.decode(seen.body)
    assert msgspec.json.decode(got.pop("model")) == model
    given.pop("model")
    if given.get("stream") is not None and bytes(given["stream"]) == b"true":
        options: dict[str, Any] = msgspec.json.decode(given.pop("stream_options", b"null")) or {}
        assert msgspec.json.decode(got.pop("stream_options")) == options | {"include_usage": True}
    assert {name: bytes(value) for name, value in got.items()} == {name: bytes(value) for name, value in given.items()}
    assert seen.header("authorization") == "Bearer sk-upstream-fake"
    assert seen.header("content-type") == "application/json"
    assert seen.header("accept-encoding") in {None, "identity"}
    private = {name for name, _ in seen.headers if name.startswith(("x-stainless", "x-api-key", "openai-", "cookie"))}
    assert not private
