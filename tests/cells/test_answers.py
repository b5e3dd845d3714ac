"""16 cells, each with every kind of answer, whole and as a stream: meaning first, then the very bytes."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.cells import golden
from tests.cells.asked import ASKED
from tests.cells.callers import CALLERS
from tests.cells.conftest import MODELS, Ground
from tests.cells.question import PNG, SYSTEM, TOOLS, Asked, Heard, Question, Received
from tests.cells.scenarios import ANSWERED, FETCHED, Scenario, told_stop, told_tokens
from tests.fakes import Scene
from tests.fakes.scene import Call, Refuse, Say
from tests.fakes.speech import DIALECTS, dialect_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

CELLS = [(caller, provider) for caller in CALLERS for provider in CALLERS]
REFUSED = {"responses": {"completed", "incomplete/content_filter"}, "gemini": {"SAFETY", "PROHIBITED_CONTENT"}}


@pytest.mark.parametrize("scenario", ANSWERED)
@pytest.mark.parametrize(("caller", "provider"), CELLS)
async def test_cell(ground: Ground, caller: str, provider: str, scenario: str) -> None:
    case = ANSWERED[scenario]
    question = case.question
    if question.image_url == FETCHED:
        question = replace(question, image_url=ground.image_url)
    parts = {}
    for stream in (False, True):
        ground.provider.forget()
        assert isinstance(case.scene, Scene)
        ground.provider.always(case.scene)
        model = f"{provider}/{MODELS[provider]}"
        asked = CALLERS[caller].body(question, model, stream=stream)
        got = await ground.ask(caller, CALLERS[caller].path(model, stream=stream), asked)
        parts["stream" if stream else "unary"] = golden.exchange(ground.provider.requests, got)
        assert got.status == 200, got.body
        assert got.whole
        (seen,) = ground.provider.requests
        assert dialect_of(seen.target) == provider
        if caller == provider:
            assert_same(seen.json, asked, provider)
            assert_verbatim(got, case.scene, seen.json, provider, stream=stream)
        else:
            assert_asked(ASKED[provider].read(seen.json), question, got, caller, provider)
            assert_nothing_foreign(got)
        heard = CALLERS[caller].hear(got, stream=stream)
        assert_heard(heard, case, caller, provider)
    golden.check(f"{caller}-{provider}", scenario, parts)


def assert_same(sent: Any, asked: dict[str, Any], dialect: str) -> None:
    """Nothing but the model's name was touched."""
    assert sent == (asked if dialect == "gemini" else asked | {"model": MODELS[dialect]})


def assert_verbatim(got: Received, scene: Scene, asked: Any, dialect: str, *, stream: bool) -> None:
    """The provider's own bytes came through."""
    speech = DIALECTS[dialect]
    own = b"".join(speech.frames(scene, asked)) if stream else json.dumps(speech.unary(scene)).encode()
    assert got.body == own


def assert_nothing_foreign(got: Received) -> None:
    """No id of the provider's, none of its names, and not where it is."""
    for trace in (b"PROVIDER", b"provider-model", b"127.0.0.1", b"sk-upstream"):
        assert trace not in got.body
        assert trace.decode() not in "".join(got.headers.values())


def assert_asked(asked: Asked, question: Question, got: Received, caller: str, provider: str) -> None:
    """The question arrived whole, but for what is said to be dropped."""
    assert asked.system == SYSTEM
    assert asked.text == question.text
    assert asked.tools == {name: TOOLS[name] for name in question.tools}
    assert asked.pdfs == ([question.pdf] if question.pdf else [])
    if question.image_url:
        # Who cannot fetch it gets what the gateway fetched.
        assert asked.images in ([question.image_url], [PNG])
    else:
        assert asked.images == ([question.image] if question.image else [])
    assert_schema(asked.schema, question.schema)
    if question.cap:
        assert asked.cap == question.cap
    stops = list(question.stops) if caller != "responses" else []
    if provider == "responses" and stops:
        # Responses have no stop sequences: the caller is told.
        assert [path for path in got.dropped if "stop" in path.lower()]
    else:
        assert asked.stops == stops
        assert not [path for path in got.dropped if "stop" in path.lower()]


def assert_schema(found: Any, wanted: Any) -> None:
    """The same fields are demanded; Gemini's own subset has no `additionalProperties`."""
    if wanted is None:
        assert found is None
        return
    assert {key: value for key, value in found.items() if key in wanted} == found
    assert {key: value for key, value in wanted.items() if key in found} == found
    assert {"type", "properties", "required"} <= set(found)


def assert_heard(heard: Heard, case: Scenario, caller: str, provider: str) -> None:
    """The answer says the same in the caller's dialect."""
    scene = case.scene
    assert isinstance(scene, Scene)
    assert not heard.error
    words = "".join(block.text for block in scene.blocks if isinstance(block, Say))
    calls = [block for block in scene.blocks if isinstance(block, Call)]
    if scene.stop == "refusal":
        assert_refused(heard, scene, caller, provider)
    else:
        assert heard.text == words
        assert heard.stop == CALLERS[caller].STOPS[told_stop(scene.stop, provider)]
    assert [(name, arguments) for _, name, arguments in heard.calls] == [
        (call.name, json.loads(call.arguments)) for call in calls
    ]
    assert len({call[0] for call in heard.calls if call[0]}) in {len(calls), 0 if caller == "gemini" else len(calls)}
    if caller == "messages":
        met = scene.sequence if provider == "messages" else ""
        assert heard.sequence == (met or None)
    assert_usage(heard, scene, provider)


def assert_refused(heard: Heard, scene: Scene, caller: str, provider: str) -> None:
    """A refusal is one in every dialect, and its words are kept where the provider gave any."""
    words = "".join(block.text for block in scene.blocks if isinstance(block, Refuse))
    if caller == provider == "chat":
        assert heard.stop == "stop"
    else:
        assert heard.stop in REFUSED.get(caller, {CALLERS[caller].STOPS["refusal"]})
    if provider != "gemini" and caller != "gemini":
        assert heard.text + heard.refusal == words
    if caller == "responses" and heard.stop == "completed":
        assert heard.refusal or heard.text


def assert_usage(heard: Heard, scene: Scene, provider: str) -> None:
    """Every token is counted once: cached ones within the prompt, reasoning within what came out."""
    tokens = told_tokens(scene.tokens, provider)
    wanted = {"taken": tokens.taken, "given": tokens.given, "read": tokens.read}
    wanted |= {"write": tokens.write, "thought": tokens.thought}
    assert {"taken", "given", "read"} <= set(heard.usage)
    assert heard.usage == {name: wanted[name] for name in heard.usage}
