"""The question to a candidate of another dialect: what is left out is told, and who cannot be asked is passed over."""

import json
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from fastgw.dataplane import question
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES
from fastgw.limits import Limits
from fastgw.protocols.hub.conversation import Source
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf
from tests.fakes.gateway import provider_toml
from tests.fakes.scene import Say, Scene

HELLO = Scene((Say("Hello."),))
MESSAGES = [{"role": "user", "content": "hi"}]


async def lanes(worker_of: WorkerOf, *speaking: str) -> Worker:
    """A worker with one provider for each dialect, called like it, all on one fake, and an alias for all in order."""
    worker = await worker_of()
    url = worker.provider.url
    await worker.wiring.aclose()
    entries = "".join(provider_toml(name, url, more=f'speaks = ["{name}"]\nlist_models = false') for name in speaking)
    chain = json.dumps([f"{name}/fake-1" for name in speaking])
    return await worker_of(f'{entries}\n[[models]]\nname = "any"\ntargets = {chain}\n')


def ask(worker: Worker, dialect: str, body: Any, *, key: str = "", **headers: str) -> Caller:
    caller = Caller(getattr(worker.wiring, dialect), key or worker.key, body, path=f"/v1/{dialect}")
    caller.scope["headers"] += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return caller


async def test_what_only_tunes_is_left_out_and_told(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages")
    worker.provider.next(HELLO)
    body = {"model": "any", "messages": MESSAGES, "logit_bias": {"5": 1}, "made_up": 1}
    caller = await ask(worker, "chat", body).answer()
    assert caller.status == 200
    dropped = caller.headers[b"x-fastgw-dropped"].decode().split(", ")
    assert {"logit_bias", "made_up"} <= set(dropped)
    assert "made_up" not in worker.provider.requests[0].json


async def test_a_strict_key_is_refused_instead(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages")
    key = await worker.mint("strict", strict=True)
    caller = await ask(worker, "chat", {"model": "any", "messages": MESSAGES, "seed": 7}, key=key).answer()
    assert caller.status == 400
    assert json.loads(caller.text)["error"]["param"] == "seed"
    assert not worker.provider.requests


async def test_who_cannot_be_asked_is_passed_over(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages", "chat")
    caller = await ask(worker, "chat", {"model": "any", "messages": MESSAGES, "n": 2}).answer()
    assert caller.status == 200
    assert len(worker.provider.requests) == 1
    assert worker.provider.requests[0].target.endswith("/chat/completions")
    assert not worker.wiring.chat._s.cooling.until_ms, "nothing is wrong with the lane"


async def test_when_nobody_can_be_asked_the_caller_hears_why(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages")
    caller = await ask(worker, "responses", {"model": "any", "input": "hi", "background": True}).answer()
    assert caller.status == 400
    assert json.loads(caller.text)["error"]["param"] == "background"


async def test_a_body_of_another_dialect_is_answered_in_its_own(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "chat")
    caller = await ask(worker, "chat", {"model": "any", "input": "hi"}).answer()
    assert caller.headers[b"x-fastgw-detected-format"] == b"responses"
    assert json.loads(caller.text)["object"] == "response"
    caller = await ask(worker, "chat", {"model": "any", "contents": [{"parts": [{"text": "hi"}]}]}).answer()
    assert json.loads(caller.text)["candidates"][0]["finishReason"] == "STOP"
    assert "contents" not in worker.provider.requests[-1].json


async def test_a_gemini_body_without_a_path_keeps_its_fields_from_a_provider_of_gemini(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "gemini")
    caller = await ask(worker, "chat", {"model": "any", "contents": [{"parts": [{"text": "hi"}]}]}).answer()
    assert caller.status == 200
    assert worker.provider.requests[0].json.keys() == {"contents"}


@pytest.mark.parametrize("provider", ["chat", "messages"])
async def test_limits_are_told_in_the_words_of_the_dialect(worker_of: WorkerOf, provider: str) -> None:
    worker = await lanes(worker_of, provider)
    key = await worker.mint("limited", Limits(requests_per_min=60))
    caller = await ask(worker, "messages", {"model": "any", "max_tokens": 9, "messages": MESSAGES}, key=key).answer()
    assert caller.headers[b"anthropic-ratelimit-requests-limit"] == b"60"
    assert b"x-ratelimit-limit-requests" not in caller.headers


async def test_a_compaction_is_asked_for_as_a_summary(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages")
    worker.provider.next(Scene((Say("They want tea."),)))
    caller = await ask(worker, "compact", {"model": "any", "input": "Tea, please."}).answer()
    compaction = json.loads(caller.text)
    assert (compaction["object"], compaction["output_text"]) == ("response.compaction", "They want tea.")
    assert compaction["output"][0]["content"] == [{"type": "input_text", "text": "Tea, please."}]
    assert "Write a summary" not in json.dumps(compaction)
    assert "Write the summary only" in json.dumps(worker.provider.requests[0].json)


async def test_the_same_key_keeps_its_lane_while_an_answer_is_kept_there(worker_of: WorkerOf) -> None:
    worker = await worker_of(
        '[[providers]]\nname = "kept"\nspeaks = ["responses"]\nlist_models = false\nmodels = ["fake-1"]\n'
        'base_url = "http://127.0.0.1:9/v1"\ncredentials = [{label="a", secret="a"}, {label="b", secret="b"},'
        '{label="c", secret="c"}]\n'
    )
    chat = worker.wiring.responses
    principal = await worker.wiring._keys.authenticate(
        [(b"authorization", b"Bearer " + worker.key.encode())], b"", "127.0.0.1", "127.0.0.1"
    )
    asked = ask(worker, "responses", {"model": "kept/fake-1", "input": "hi", "previous_response_id": "resp_1"})
    await asked.answer()
    assert asked.status == 502, "the one lane was tried and no other"
    closed = await worker.closed()
    assert closed.attempts == 1
    assert principal.key_id == closed.key_id
    assert chat._s.cooling.until_ms.keys() == {("kept", next(iter(chat._s.cooling.until_ms))[1])}


async def test_what_is_fetched_for_a_call_is_held_within_the_budget_of_bodies(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "gemini")
    stages = worker.wiring.chat._s

    class Fetcher:
        """The web."""

        async def fetch_all(self, urls: Sequence[str]) -> dict[str, Source]:
            return dict.fromkeys(urls, Source(media_type="image/png", data="AAAA" * 1_000))

    fetching = msgspec.structs.replace(stages, fetcher=Fetcher())
    worker.wiring.chat._s = fetching
    content = [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]
    body = {"model": "any", "messages": [{"role": "user", "content": content}]}
    before = stages.bodies._bytes_max
    stages.bodies._bytes_max = 2_000
    caller = await ask(worker, "chat", body).answer()
    assert caller.status == 503
    assert b"x-should-retry" not in caller.headers
    assert stages.bodies.held_bytes == 0
    stages.bodies._bytes_max = before
    assert (await ask(worker, "chat", body).answer()).status == 200
    await worker.until_nothing_is_left()


async def test_what_a_dialect_cannot_read_is_the_callers_mistake(
    worker_of: WorkerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await lanes(worker_of, "gemini")
    monkeypatch.setattr(question, "_encode", lambda *_: msgspec.json.decode(b"[1e999]"))
    caller = await ask(worker, "chat", {"model": "any", "messages": MESSAGES}).answer()
    assert caller.status == 400
    assert b"out of range" in caller.text


async def test_what_was_fetched_is_translated_off_the_loop(
    worker_of: WorkerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await lanes(worker_of, "gemini")

    class Fetcher:
        """The web."""

        async def fetch_all(self, urls: Sequence[str]) -> dict[str, Source]:
            return dict.fromkeys(urls, Source(media_type="image/png", data="A" * OFF_LOOP_BYTES))

    worker.wiring.chat._s = msgspec.structs.replace(worker.wiring.chat._s, fetcher=Fetcher())
    threads: list[str] = []
    encode = question._encode

    def noting(*given: Any) -> Any:
        threads.append(threading.current_thread().name)
        return encode(*given)

    monkeypatch.setattr(question, "_encode", noting)
    content = [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]
    body = {"model": "any", "messages": [{"role": "user", "content": content}]}
    assert (await ask(worker, "chat", body).answer()).status == 200
    assert threads
    assert threads[0] != threading.main_thread().name


async def test_thoughts_in_tags_are_split_off_for_callers_of_the_same_dialect_too(worker_of: WorkerOf) -> None:
    worker = await worker_of()
    url = worker.provider.url
    await worker.wiring.aclose()
    more = 'speaks = ["chat"]\nabilities = { think_tags = true }\nlist_models = false'
    worker = await worker_of(provider_toml("tags", url, more=more))
    worker.provider.next(Scene((Say("<think>hm</think>Yes."),)))
    caller = await ask(worker, "chat", {"model": "tags/fake-1", "messages": MESSAGES}).answer()
    message = json.loads(caller.text)["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Yes.", "hm")
