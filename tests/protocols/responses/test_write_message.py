"""Messages: citations as annotations, parts with all their fields."""

import msgspec
import pytest

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.responses.frames import Frames
from fastgw.protocols.responses.write_message import Message, annotation
from tests.conformance import spec
from tests.protocols.responses.kit import read_frames, validated

RAW = '{"type":"file_path","file_id":"f","index":1}'


@pytest.mark.parametrize(
    ("citation", "wanted"),
    [
        (Citation("url", "https://a", "A", start=1, end=4),
         {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 1, "end_index": 4}),
        (Citation("document", "https://a", "A", start=90, end=99, unit="char"),
         {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 7, "end_index": 7}),
        (Citation("document", title="a.pdf", start=3, unit="page"),
         {"type": "file_citation", "file_id": "", "index": 7, "filename": "a.pdf"}),
        (Citation("opaque", dialect="responses", raw=RAW), msgspec.json.decode(RAW)),
        (Citation("opaque", title="t", dialect="messages", raw="{}"),
         {"type": "file_citation", "file_id": "", "index": 7, "filename": "t"}),
    ],
)  # fmt: skip
def test_annotations(citation: Citation, wanted: object) -> None:
    made = msgspec.json.decode(annotation(citation, 7))
    spec.assert_valid(made, "Annotation")
    assert made == wanted


def test_each_citation_has_its_event_and_its_place() -> None:
    message = Message(Frames(), "msg_1", 0)
    said = message.begin() + message.start(refusal=False) + message.delta("ab")
    said += message.cite(Citation("url", "https://a")) + message.cite(Citation("url", "https://b")) + message.stop()
    events = validated(read_frames(said + message.done(message.whole("completed"))))
    told = [event for event in events if event["type"].endswith("annotation.added")]
    assert [(event["annotation_index"], event["annotation"]["url"]) for event in told] == [
        (0, "https://a"),
        (1, "https://b"),
    ]
    assert events[-1]["item"]["content"][0]["annotations"] == [event["annotation"] for event in told]


def test_a_refusal_cites_nothing() -> None:
    message = Message(Frames(), "msg_1", 0)
    message.start(refusal=True)
    assert message.cite(Citation("url", "https://a")) == b""
    assert message.has_refusal
