"""Numbers of HTTP/2 that the connection reads and writes itself (RFC 9113, sections 6 and 7)."""

from typing import Final


class Kind:
    """Frame types."""

    DATA: Final = 0
    HEADERS: Final = 1
    GOAWAY: Final = 7
    WINDOW_UPDATE: Final = 8
    CONTINUATION: Final = 9


class Flag:
    """Frame flags."""

    END_STREAM: Final = 1
    END_HEADERS: Final = 4
    PADDED: Final = 8


class Code:
    """Error codes."""

    PROTOCOL_ERROR: Final = 1
    FLOW_CONTROL_ERROR: Final = 3
    REFUSED_STREAM: Final = 7
    CANCEL: Final = 8


FINAL_STREAM_ID = 2**31 - 1
WINDOW_DEFAULT = 65_535
"""The connection's window in both directions until a WINDOW_UPDATE; SETTINGS do not change it (section 6.9.2)."""
WINDOW_MAX = 2**31 - 1
