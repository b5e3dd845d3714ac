"""Real agents, each on a provider of another dialect: the model calls a tool, the agent runs it, the model answers."""

import json
from typing import Any

import pytest

from tests.agents.conftest import ANSWER, SECRET, Place
from tests.agents.npm import command
from tests.cells.asked import ASKED
from tests.cells.conftest import MODELS
from tests.cells.scenarios import SEAL
from tests.fakes.scene import Call
from tests.fakes.speech import dialect_of

QUESTION = "What does note.txt say?"


def assert_round_trip(place: Place, provider: str, tool: str) -> None:
    """Two questions to a provider of that dialect; the second one holds the call, its result and the seal."""
    seen = place.asked()
    assert [dialect_of(one.target) for one in seen] == [provider] * 2
    if provider == "messages":
        assert {one.header("anthropic-version") for one in seen} == {"2023-06-01"}
    first, second = (ASKED[provider].read(one.json) for one in seen)
    assert tool in first.tools
    assert QUESTION in first.text
    assert not first.calls
    ((call_id, name, arguments),) = second.calls
    assert name == tool
    assert place.note in json.dumps(arguments)
    ((result_id, text),) = second.results
    assert result_id == call_id
    assert SECRET in text
    assert b"x-anthropic-billing-header" not in seen[0].body
    assert_stable(seen[0].json, seen[1].json)
    assert second.seals == ([] if provider == "chat" else [SEAL])


def assert_stable(first: Any, second: Any) -> None:
    """What was said stays as it was, byte for byte, so that the provider's cache of prompts hits."""
    (turns,) = {"messages", "input", "contents"} & set(first)
    said = first.pop(turns)
    assert second.pop(turns)[: len(said)] == said
    assert second == first


@pytest.mark.parametrize("provider", ["responses", "gemini", "chat"])
def test_claude_code(place: Place, provider: str) -> None:
    place.lets_call(Call("Read", json.dumps({"file_path": place.note}), "call_A1"))
    environ = {
        "ANTHROPIC_BASE_URL": place.gateway.url,
        "ANTHROPIC_AUTH_TOKEN": place.gateway.key,
        "DISABLE_AUTOUPDATER": "1",
    }
    program = command(place.clients, "@anthropic-ai/claude-code", "cli-wrapper.cjs")
    options = ["--output-format", "json", "--allowedTools", "Read", "--model", f"{provider}/{MODELS[provider]}"]
    told = json.loads(place.run([*program, "-p", QUESTION, *options], environ).stdout)
    assert (told["result"], told["num_turns"], told["is_error"]) == (ANSWER, 2, False)
    assert told["usage"]["output_tokens"] == 14
    assert_round_trip(place, provider, "Read")


@pytest.mark.parametrize("provider", ["messages", "gemini", "chat"])
def test_codex(place: Place, provider: str) -> None:
    place.lets_call(Call("exec_command", json.dumps({"cmd": f"cat {place.note}"}), "call_A1"))
    folder = place.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'model = "{provider}/{MODELS[provider]}"\nmodel_provider = "gateway"\n'
        'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
        f'[model_providers.gateway]\nname = "gateway"\nbase_url = "{place.gateway.base_url}"\n'
        'env_key = "GATEWAY_KEY"\nwire_api = "responses"\n'
    )
    program = command(place.clients, "@openai/codex")
    done = place.run(
        [*program, "exec", "--skip-git-repo-check", "--json", QUESTION], {"GATEWAY_KEY": place.gateway.key}
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    said = [event["item"]["text"] for event in events if event.get("item", {}).get("type") == "agent_message"]
    assert said[-1] == ANSWER
    assert events[-1]["type"] == "turn.completed"
    assert events[-1]["usage"]["output_tokens"] == 14
    assert_round_trip(place, provider, "exec_command")


def test_codex_with_its_built_in_provider(place: Place) -> None:
    """It opens a WebSocket first, and asks by POST when that is refused."""
    place.lets_call(Call("exec_command", json.dumps({"cmd": f"cat {place.note}"}), "call_A1"))
    folder = place.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f'model = "messages/{MODELS["messages"]}"\nopenai_base_url = "{place.gateway.base_url}"\n'
        'approval_policy = "never"\nsandbox_mode = "danger-full-access"\n'
    )
    program = command(place.clients, "@openai/codex")
    done = place.run(
        [*program, "exec", "--skip-git-repo-check", "--json", QUESTION], {"CODEX_API_KEY": place.gateway.key}
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    said = [event["item"]["text"] for event in events if event.get("item", {}).get("type") == "agent_message"]
    assert said[-1] == ANSWER
    assert_round_trip(place, "messages", "exec_command")


@pytest.mark.parametrize("provider", ["chat", "messages", "responses"])
def test_gemini_cli(place: Place, provider: str) -> None:
    place.lets_call(Call("read_file", json.dumps({"file_path": place.note}), "call_A1"))
    folder = place.home / ".gemini"
    folder.mkdir()
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"disableAutoUpdate": True},
        "privacy": {"usageStatisticsEnabled": False},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    environ = {
        "GOOGLE_GEMINI_BASE_URL": place.gateway.url,
        "GEMINI_API_KEY": place.gateway.key,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    program = command(place.clients, "@google/gemini-cli")
    options = ["--output-format", "json", "--yolo", "-m", f"{provider}/{MODELS[provider]}"]
    told = json.loads(place.run([*program, "-p", QUESTION, *options], environ).stdout)
    assert told["response"] == ANSWER
    assert told["stats"]["tools"]["totalSuccess"] == 1
    assert_round_trip(place, provider, "read_file")
