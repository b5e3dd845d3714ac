"""Counts of the gateway's own: bounds before the call, and stand-ins where a provider reported nothing."""

from fastgw.exchange import Estimate

BYTES_PER_TOKEN_MIN = 2
"""English text has about four bytes a token; two is a bound for what models are commonly sent, JSON included."""
BYTES_PER_TOKEN_TYPICAL = 4
OUTPUT_TOKENS_UNSAID = 4_096
"""Debited when the caller sets no output cap; settlement corrects it."""
MEDIA_TOKENS_MAX = 200_000
"""A prompt of images in base64 has millions of bytes and few tokens: no prompt is debited by more than this."""


def before_call(body_bytes: int, output_cap: int, choices: int) -> Estimate:
    """An upper bound from sizes alone, so that nothing on the path has to tokenise."""
    prompt = min(body_bytes // BYTES_PER_TOKEN_MIN + 1, MEDIA_TOKENS_MAX)
    return Estimate(prompt_tokens=prompt, output_tokens=(output_cap or OUTPUT_TOKENS_UNSAID) * choices)


def prompt_typical(body_bytes: int) -> int:
    """The likely size of a prompt, for usage rows whose provider reported nothing."""
    return min(-(-body_bytes // BYTES_PER_TOKEN_TYPICAL), MEDIA_TOKENS_MAX)
