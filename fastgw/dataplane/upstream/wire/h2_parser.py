"""Which HTTP/2 parser carries the connection: `jh2`, the faster fork of `h2` (its header compression is Rust).

Both have the same interface, so `h2`, which httpx brings along, is typed against here and steps in where `jh2` cannot
be imported. Only frames that are not the traffic go through it: the connection reads DATA and GOAWAY frames itself.
"""

from typing import TYPE_CHECKING

from fastgw.dataplane.upstream.wire.connection import WireBounds

if TYPE_CHECKING:
    from h2 import events, exceptions
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.settings import SettingCodes, Settings
    from hpack import NeverIndexedHeaderTuple
else:
    try:
        from jh2 import events, exceptions
        from jh2.config import H2Configuration
        from jh2.connection import H2Connection
        from jh2.hpack import NeverIndexedHeaderTuple
        from jh2.settings import SettingCodes, Settings
    except ImportError:
        from h2 import events, exceptions
        from h2.config import H2Configuration
        from h2.connection import H2Connection
        from h2.settings import SettingCodes, Settings
        from hpack import NeverIndexedHeaderTuple

__all__ = ["FRAME_BYTES_MAX", "NeverIndexedHeaderTuple", "Parser", "client_parser", "events", "exceptions"]

FRAME_BYTES_MAX = 16_384
"""Largest frame payload that we take: the default and least value of SETTINGS_MAX_FRAME_SIZE (RFC 9113, 6.5.2)."""


class Parser(H2Connection):
    """The library's connection with a smaller memory for streams that we have reset, whose late frames it must know."""

    MAX_CLOSED_STREAMS = 4096


def client_parser(bounds: WireBounds) -> Parser:
    """A parser in the client's role, its preface and SETTINGS queued in `data_to_send`."""
    # Headers are checked by `h2_stream`, where a bad one fails its stream and not the whole connection.
    config = H2Configuration(
        client_side=True,
        header_encoding=None,
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
        normalize_inbound_headers=False,
    )
    parser = Parser(config)
    parser.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: bounds.read_high_water_bytes,
            SettingCodes.MAX_FRAME_SIZE: FRAME_BYTES_MAX,
            SettingCodes.MAX_HEADER_LIST_SIZE: bounds.header_bytes_max,
        },
    )
    # What holds until the peer's SETTINGS (RFC 9113, 6.5.2): jh2 would assume the windows of a browser's peer.
    parser.remote_settings = Settings(
        client=False, initial_values={SettingCodes.HEADER_TABLE_SIZE: 4096, SettingCodes.INITIAL_WINDOW_SIZE: 65_535}
    )
    # These initial values never pass through an acknowledgement, so the decoder has to be told.
    parser.decoder.max_header_list_size = bounds.header_bytes_max
    parser.initiate_connection()
    return parser
