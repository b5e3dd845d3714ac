"""Sources of an answer, there and back."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini.grounding import Grounding, Recited, citations, to_wire
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import Cite
from tests.protocols.gemini.kit import candidate, read

URL = st.sampled_from(["https://a.test", "https://b.test"])


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=12), st.data())
def test_places_in_characters_survive_bytes(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    cited = Citation("url", data.draw(URL), "t", text[start:end], start, end)
    if any("\ud800" <= char <= "\udfff" for char in text):
        return
    made = msgspec.convert(to_wire([(text, [cited])]), Grounding)
    assert citations(made, None, text) == [cited]


def test_sources_that_no_words_name_are_kept_and_wrong_indices_passed_over() -> None:
    metadata = {
        "webSearchQueries": ["q"],
        "groundingChunks": [
            {"web": {"uri": "https://a.test", "title": "a"}},
            {"retrievedContext": {"title": "doc", "text": "passage"}},
            {"odd": {}},
        ],
        "groundingSupports": [
            {
                "segment": {"endIndex": 6, "text": "Grüß"},
                "groundingChunkIndices": [0, 7, -1, 2],
                "confidenceScores": [1],
            }
        ],
    }
    events = read(
        candidate({"text": "Grüß "}), candidate({"text": "dich"}, finishReason="STOP", groundingMetadata=metadata)
    )
    assert [event.citation for event in events if isinstance(event, Cite)] == [
        Citation("url", "https://a.test", "a", "Grüß", 0, 4),
        Citation("document", title="doc", cited_text="passage"),
    ]


def test_recited_passages() -> None:
    recited = msgspec.convert(
        {"citationSources": [{"startIndex": 0, "endIndex": 2, "uri": "https://a.test"}, {}]}, Recited
    )
    assert citations(None, recited, "üx") == [Citation("url", "https://a.test", start=0, end=1)]


def test_nothing_to_cite_is_none() -> None:
    assert to_wire([]) is None
    assert to_wire([("a", [Citation("opaque", raw="{}")])]) is None
