"""The web search of others as Anthropic's tool."""

import json
from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Tool
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.messages.web_search import TYPE, web_search

PLACE = {"type": "approximate", "city": "Bonn", "country": "DE"}


@pytest.mark.parametrize(
    ("raw", "made", "lost"),
    [
        ({}, {}, ()),
        ({"type": "web_search", "user_location": PLACE}, {"user_location": PLACE}, ()),
        ({"user_location": {"type": "approximate", "approximate": {"city": "Bonn"}}},
         {"user_location": {"type": "approximate", "city": "Bonn"}}, ()),
        ({"filters": {"allowed_domains": ["a.com"]}, "search_context_size": "medium"},
         {"allowed_domains": ["a.com"]}, ()),
        ({"filters": {"blocked_domains": ["a.com"]}}, {"blocked_domains": ["a.com"]}, ()),
        ({"search_context_size": "high"}, {}, ("tools[0].search_context_size",)),
        ({"filters": 1}, {}, ("tools[0]",)),
        ({"external_web_access": False, "googleSearch": {}}, {}, ("tools[0].external_web_access",)),
    ],
)  # fmt: skip
def test_what_both_have_is_kept(raw: dict[str, Any], made: dict[str, Any], lost: tuple[str, ...]) -> None:
    losses = Losses()
    tool = Tool("web_search", dialect="responses", raw=json.dumps(raw) if raw else "")
    assert web_search(tool, losses, "tools[0]") == {"type": TYPE, "name": "web_search"} | made
    assert losses.paths == lost
