"""Content codings: what was packed comes out, whatever the chunking; bombs, cuts and garbage are refused."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.coding import CodingError, Inflater, TooLarge, inflate


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACK: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "two gzip members": ("gzip", lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:])),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
}


@pytest.mark.parametrize("name", PACK)
@given(data=st.binary(max_size=2_000), cuts=st.lists(st.integers(min_value=0), max_size=8))
def test_any_chunking_gives_what_was_packed(name: str, data: bytes, cuts: list[int]) -> None:
    coding, pack = PACK[name]
    packed = pack(data)
    places = sorted({cut % (len(packed) + 1) for cut in cuts})
    inflater = Inflater(coding, 10_000)
    out = b"".join(inflater.feed(packed[a:b]) for a, b in zip([0, *places], [*places, len(packed)], strict=True))
    inflater.finish()
    assert out == data


@pytest.mark.parametrize("name", PACK)
def test_a_bomb_stops_at_the_bound(name: str) -> None:
    coding, pack = PACK[name]
    with pytest.raises(TooLarge):
        inflate(pack(b"\0" * 50_000_000), coding, 1_000_000)


@pytest.mark.parametrize("name", PACK)
def test_exactly_the_bound_is_no_bomb(name: str) -> None:
    coding, pack = PACK[name]
    assert len(inflate(pack(b"\0" * 100_000), coding, 100_000)) == 100_000


@pytest.mark.parametrize("name", PACK)
def test_a_cut_is_seen(name: str) -> None:
    coding, pack = PACK[name]
    with pytest.raises(CodingError):
        inflate(pack(b"hello world" * 50)[:-4], coding, 10_000)


@pytest.mark.parametrize("name", PACK)
@given(data=st.binary(min_size=1, max_size=200))
def test_garbage_is_refused_or_inflated_but_never_crashes(name: str, data: bytes) -> None:
    try:
        inflate(data, PACK[name][0], 10_000)
    except (CodingError, TooLarge):
        pass


def test_an_unknown_coding_is_refused() -> None:
    with pytest.raises(CodingError):
        Inflater("rot13", 10)


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
def test_one_small_read_cannot_inflate_to_gigabytes(name: str) -> None:
    pack = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}[name]
    inflater = Inflater(name, 1 << 32, feed_bytes_max=1 << 20)
    with pytest.raises(TooLarge):
        inflater.feed(pack(bytes(64 << 20)))


def test_a_zstd_window_larger_than_the_standard_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(CodingError):
        inflate(packer.compress(b"small") + packer.flush(), "zstd", 1_000)
