"""How many tokens a prompt may come to at most: from its bytes, without a tokenizer."""

from fastgw.money.amounts import PPM
from fastgw.protocols.hub.dialect import Fields


def bound_prompt_tokens(fields: Fields, body_bytes: int, *, context_length: int, tokens_per_byte_ppm: int) -> int:
    """No tokenizer makes more tokens than this of the prompt; never more than `context_length` (0: unknown)."""
    bound = -(-body_bytes * tokens_per_byte_ppm // PPM)
    return min(bound, context_length) if context_length else bound
