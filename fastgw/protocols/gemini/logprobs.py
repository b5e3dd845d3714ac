"""Log probabilities: Google's `logprobsResult` and chat's list of tokens, which the hub carries."""

from typing import Any

import msgspec

from fastgw.protocols.gemini.usage import UNREADABLE

_encode = msgspec.json.Encoder().encode


class _Candidate(msgspec.Struct, rename="camel"):
    token: str | None = None
    log_probability: float | None = None


class _Top(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None


class Result(msgspec.Struct, rename="camel"):
    """`logprobsResult`."""

    chosen_candidates: list[_Candidate] | None = None
    top_candidates: list[_Top] | None = None


class _Token(msgspec.Struct):
    token: str = ""
    logprob: float | None = None


class _Chosen(_Token):
    top_logprobs: list[_Token] | None = None


_tokens = msgspec.json.Decoder(list[_Chosen])


_result = msgspec.json.Decoder(Result | None, strict=False)


def read(raw: msgspec.Raw) -> str:
    """Chat's list as JSON text; empty without tokens, or for an unexpected shape."""
    try:
        result = _result.decode(raw) if bytes(raw) else None
    except UNREADABLE:
        return ""
    return from_wire(result) if result else ""


def from_wire(result: Result) -> str:
    """Chat's list as JSON text; empty without tokens."""
    tops = result.top_candidates or []
    made = [
        _said(chosen)
        | {"top_logprobs": [_said(each) for each in (tops[at].candidates or ())] if at < len(tops) else []}
        for at, chosen in enumerate(result.chosen_candidates or ())
    ]
    return _encode(made).decode() if made else ""


def _said(candidate: _Candidate) -> dict[str, Any]:
    token = candidate.token or ""
    probability = -9999.0 if candidate.log_probability is None else candidate.log_probability
    return {"token": token, "logprob": probability, "bytes": list(token.encode("utf-8", "surrogatepass"))}


def to_wire(tokens: str) -> dict[str, Any] | None:
    """`logprobsResult` for chat's list; None for what is no such list."""
    try:
        chosen = _tokens.decode(tokens)
    except UNREADABLE:
        return None
    return {
        "chosenCandidates": [_candidate(each) for each in chosen],
        "topCandidates": [{"candidates": [_candidate(each) for each in token.top_logprobs or ()]} for token in chosen],
    }


def _candidate(token: _Token) -> dict[str, Any]:
    return {"token": token.token, "logProbability": token.logprob}
