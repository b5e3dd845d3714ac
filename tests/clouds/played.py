"""What the clouds answer, and how AWS checks a signature."""

import hashlib
import hmac
import urllib.parse
from typing import Any

from tests.fakes import Answer, Seen, answers
from tests.protocols.converse.kit import delta, ended, event, frame, stop
from tests.protocols.converse.shapes import assert_shape

KEY_ID, SECRET = "AKIDEXAMPLE000000000", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ACCESS_KEY = f"{KEY_ID}:{SECRET}:session/token=="
BEDROCK_KEY = "bedrock-api-key-xyz"
USAGE = {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18, "cacheReadInputTokens": 3}
CALL = {"toolUseId": "tooluse_1", "name": "weather"}


def played(seen: Seen) -> Answer:
    """A token, an answer of Converse, or a plausible one of Gemini or chat."""
    if seen.target == "/token":
        return Answer(answers.unary({"access_token": "ya29.token", "expires_in": 3_600}))
    if seen.target == "/refused":
        return Answer(answers.unary({"error": "invalid_grant"}, status=400))
    if seen.target.endswith("/converse-stream"):
        kind = (("content-type", "application/vnd.amazon.eventstream"),)
        return Answer(answers.whole(b"".join(_stream()), headers=kind))
    if seen.target.endswith("/converse"):
        return Answer(answers.unary(whole()))
    if "/deployments/" in seen.target:
        return Answer(answers.unary())
    said = {"role": "model", "parts": [{"text": "Hello there."}]}
    told: dict[str, Any] = {
        "candidates": [{"content": said, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18},
    }
    return Answer(answers.unary(told) if "alt=sse" not in seen.target else answers.sse([answers.data_frame(told)]))


def whole() -> dict[str, Any]:
    """Words, reasoning and a call."""
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        {"text": "I will look."},
        {"toolUse": CALL | {"input": {"city": "Oslo"}}},
    ]
    answer = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": USAGE,
        "metrics": {"latencyMs": 5},
    }
    assert_shape(answer, "ConverseResponse")
    return answer


def _stream() -> list[bytes]:
    return [
        event("messageStart", {"role": "assistant"}),
        delta(0, reasoningContent={"text": "Hm."}),
        delta(0, reasoningContent={"signature": "c2ln"}),
        stop(0),
        delta(1, text="I will "),
        delta(1, text="look."),
        stop(1),
        event("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": CALL}}),
        delta(2, toolUse={"input": '{"city": '}),
        delta(2, toolUse={"input": '"Oslo"}'}),
        stop(2),
        ended("tool_use"),
        event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
    ]


def throttled() -> Answer:
    """An exception ahead of the first word."""
    words = frame(
        {"message": "Too many tokens for account 123456789012."},
        message_type="exception",
        exception_type="throttlingException",
        content_type="application/json",
    )
    return Answer(answers.whole(words, headers=(("content-type", "application/vnd.amazon.eventstream"),)))


def signature_is_right(seen: Seen) -> bool:
    """Check a request as AWS does: from what came over the wire and the secret alone."""
    given = seen.header("authorization") or ""
    scheme, _, rest = given.partition(" ")
    fields = dict(part.split("=", 1) for part in rest.split(", "))
    day, region, service, last = fields["Credential"].split("/")[1:]
    names = fields["SignedHeaders"].split(";")
    path = urllib.parse.quote(seen.target, safe="/-_.~")
    headers = "".join(f"{name}:{seen.header(name)}\n" for name in names)
    digest = hashlib.sha256(seen.body).hexdigest()
    canonical = f"POST\n{path}\n\n{headers}\n{';'.join(names)}\n{digest}"
    scope = f"{day}/{region}/{service}/{last}"
    stamp = seen.header("x-amz-date")
    text = f"{scheme}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, last):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    wanted = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {"host", "x-amz-date", "x-amz-security-token"} <= set(names) and wanted == fields["Signature"]
