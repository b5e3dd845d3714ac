"""What tells `anthropic-version` 2026-10-21 from 2023-06-01, as far as the gateway has to know it.

From 2026-10-21 on the API answers 400 to `temperature`, `top_p` and `top_k` (even their defaults), to a `document`
block directly in an assistant message, and to a text block with citations in a user message, directly or inside a
`search_result` (platform.claude.com/docs/en/api/versioning, 2026-11). Versions are dates, so that text compares.
"""

UNSAMPLED = "2026-10-21"
"""The first version without sampling parameters."""
ASSISTANT_DOCUMENTS_END = "2026-10-21"
USER_CITATIONS_END = "2026-10-21"
