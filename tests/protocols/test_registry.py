"""Every dialect is found by the name that it has for itself."""

from fastgw.protocols.gemini.tap import ArrayTap
from fastgw.protocols.registry import CALLERS, PROVIDERS, tap


def test_names() -> None:
    for known in (CALLERS, PROVIDERS):
        assert all(dialect.name == name for name, dialect in known.items())
    assert set(CALLERS) < set(PROVIDERS)


def test_only_who_wants_an_array_gets_one() -> None:
    event = b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n'
    assert tap("gemini", hide_usage=False, framing="sse").feed(event) == event
    array = tap("gemini", hide_usage=False, framing="array")
    assert isinstance(array, ArrayTap)
    assert array.feed(event) == b"[" + event[6:-2]


def test_usage_is_hidden_where_it_is_an_event_of_its_own() -> None:
    events = b'data: {"choices":[{}]}\n\ndata: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    assert tap("chat", hide_usage=False, framing="sse").feed(events) == events
    assert tap("chat", hide_usage=True, framing="sse").feed(events) == b'data: {"choices":[{}]}\n\n'
