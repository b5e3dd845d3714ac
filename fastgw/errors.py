"""One closed set of error kinds: what went wrong, who caused it, and whether a retry can help.

No rendering lives here: each dialect turns a kind into its own envelope with a `match` that ends in `assert_never`, so
that a new kind cannot be forgotten.
"""

import enum


class Fault(enum.Enum):
    """Whose doing an error is; decides logging, failover and blame."""

    CLIENT = "client"
    GATEWAY = "gateway"
    UPSTREAM = "upstream"


class ErrorKind(enum.Enum):
    """Every way in which an exchange can fail. The value is the stable name in usage rows and metrics."""

    BAD_REQUEST = "bad_request"
    KEY_IN_QUERY = "key_in_query"
    INVALID_API_KEY = "invalid_api_key"
    KEY_EXPIRED = "key_expired"
    IP_NOT_ALLOWED = "ip_not_allowed"
    INSUFFICIENT_QUOTA = "insufficient_quota"
    MODEL_NOT_ALLOWED = "model_not_allowed"
    MODEL_NOT_FOUND = "model_not_found"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    REQUEST_TOO_LARGE = "request_too_large"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    IDEMPOTENCY_IN_FLIGHT = "idempotency_in_flight"
    """The first request with this `Idempotency-Key` is still running."""
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    """The `Idempotency-Key` was used for another request."""
    IDEMPOTENCY_NOT_KEPT = "idempotency_not_kept"
    """The request has run and was charged, but its answer could not be kept."""
    RATE_LIMITED = "rate_limited"
    CLIENT_GONE = "client_gone"
    OVERLOADED = "overloaded"
    GATE_UNAVAILABLE = "gate_unavailable"
    INTERNAL = "internal"
    NO_ROUTE = "no_route"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    UPSTREAM_BAD_RESPONSE = "upstream_bad_response"
    UPSTREAM_CUT = "upstream_cut"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_RATE_LIMITED = "upstream_rate_limited"
    UPSTREAM_REFUSED = "upstream_refused"
    """The provider answered 4xx about the request itself; its words are relayed."""

    @property
    def fault(self) -> Fault:
        """Who caused it."""
        if self.name.startswith("UPSTREAM_") or self is ErrorKind.NO_ROUTE:
            return Fault.CLIENT if self is ErrorKind.UPSTREAM_REFUSED else Fault.UPSTREAM
        if self in _OURS:
            return Fault.GATEWAY
        return Fault.CLIENT

    @property
    def status(self) -> int:
        """The HTTP status that a client sees, 400-599."""
        return _STATUS[self]


_OURS = frozenset({ErrorKind.OVERLOADED, ErrorKind.GATE_UNAVAILABLE, ErrorKind.INTERNAL})

_STATUS: dict[ErrorKind, int] = {
    ErrorKind.BAD_REQUEST: 400,
    ErrorKind.KEY_IN_QUERY: 400,
    ErrorKind.INVALID_API_KEY: 401,
    ErrorKind.KEY_EXPIRED: 401,
    ErrorKind.IP_NOT_ALLOWED: 403,
    ErrorKind.INSUFFICIENT_QUOTA: 402,
    ErrorKind.MODEL_NOT_ALLOWED: 403,
    ErrorKind.MODEL_NOT_FOUND: 404,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.METHOD_NOT_ALLOWED: 405,
    ErrorKind.REQUEST_TIMEOUT: 408,
    ErrorKind.REQUEST_TOO_LARGE: 413,
    ErrorKind.UNSUPPORTED_ENCODING: 415,
    # draft-ietf-httpapi-idempotency-key-header-06, 2025-02: 409 while the first runs, 422 for another request.
    ErrorKind.IDEMPOTENCY_IN_FLIGHT: 409,
    ErrorKind.IDEMPOTENCY_MISMATCH: 422,
    ErrorKind.IDEMPOTENCY_NOT_KEPT: 409,
    ErrorKind.RATE_LIMITED: 429,
    # 499 is nginx's convention for "client closed the request"; nobody receives it, usage rows carry it.
    ErrorKind.CLIENT_GONE: 499,
    ErrorKind.OVERLOADED: 503,
    ErrorKind.GATE_UNAVAILABLE: 503,
    ErrorKind.INTERNAL: 500,
    ErrorKind.NO_ROUTE: 503,
    ErrorKind.UPSTREAM_UNAVAILABLE: 502,
    ErrorKind.UPSTREAM_BAD_RESPONSE: 502,
    ErrorKind.UPSTREAM_CUT: 502,
    ErrorKind.UPSTREAM_TIMEOUT: 504,
    ErrorKind.UPSTREAM_RATE_LIMITED: 429,
    ErrorKind.UPSTREAM_REFUSED: 400,
}


class GatewayError(Exception):
    """An exchange that ends in an error which its caller is told about.

    `message` is written for the caller: it says what is wrong and what to do, and never names a key, an upstream host
    or an internal. `param` is the JSON path of the offending field, if one is. `retry_after_s` is whole seconds, 1 or
    more. `status` overrides the kind's own (a provider's 4xx is relayed with its own number).
    """

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: int | None = None,
        code: str | None = None,
        status: int | None = None,
        should_retry: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s
        self.code = code
        self.status = kind.status if status is None else status
        self.should_retry = should_retry


class AttemptFailed(Exception):
    """One candidate failed before anything of its answer reached the caller, so the next one may be tried.

    `error` is what the caller is told if none is left. `detail` is for the operator's log only: it may name hosts.
    """

    def __init__(self, error: GatewayError, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


class StartupError(Exception):
    """Start-up cannot go on. The text says what is wrong and what to do; the command line prints it and exits."""
