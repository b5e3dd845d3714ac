"""Knobs in names and prompts."""

from pathlib import Path

import msgspec
import pytest

from fastgw.sandbox.knobs import KNOB_LINES_MAX, MODELS, NAMES, BadKnob, Knobs, UnknownModel, read


def test_the_name_alone_is_the_models_own_behaviour() -> None:
    assert read("echo", "Hello") == ("echo", Knobs(), "Hello")
    assert read("error", "")[1].status == 500


def test_the_name_carries_knobs() -> None:
    assert read("echo:delay_ms=200, chunks=10", "Hello")[1] == Knobs(delay_ms=200, chunks=10)


def test_lines_of_the_prompt_carry_knobs_and_are_taken_out() -> None:
    model, knobs, rest = read("slow", "Hello\n!chunk_ms 5\n  !chunks 3  \nworld")
    assert (model, rest) == ("slow", "Hello\nworld")
    assert knobs == Knobs(delay_ms=1_000, chunk_ms=5, chunks=3)


def test_the_prompt_wins_over_the_name() -> None:
    assert read("echo:words=5", "!words 7")[1].words == 7


@pytest.mark.parametrize(
    "text", ["!delay_ms", "!chunks ten", "!nonsense 3", "say !chunks 3", "!chunks -1", "!chunks 3.5"]
)
def test_what_is_no_knob_line_stays_text(text: str) -> None:
    assert read("echo", text) == ("echo", Knobs(), text)


@pytest.mark.parametrize(
    "name", ["echo:", "echo:chunks", "echo:nonsense=1", "echo:chunks=x", "echo:status=200", "echo:delay_ms=600001"]
)
def test_wrong_knobs_of_a_name_are_refused(name: str) -> None:
    if name == "echo:":
        assert read(name, "")[1] == Knobs()
        return
    with pytest.raises(BadKnob):
        read(name, "")


@pytest.mark.parametrize("name", ["", "gpt-4o", ":chunks=1", "Echo", "x" * 100_000])
def test_unknown_models(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        read(name, "")
    assert len(str(caught.value)) < 500


def test_only_so_many_lines_are_read() -> None:
    _, _, rest = read("echo", "!chunks 1\n" * (KNOB_LINES_MAX + 5))
    assert rest.count("!chunks 1") == 5


def test_the_page_has_every_knob_and_model_with_its_range() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    rows = {cells[1].strip(" `"): cells for line in page.splitlines() if len(cells := line.split("|")) > 3}
    properties = msgspec.json.schema_components([Knobs])[1]["Knobs"]["properties"]
    for name in NAMES:
        bounds = next(iter([*properties[name].get("anyOf", []), properties[name]]))
        assert rows[name][3].strip() == f"{bounds['minimum']:,} to {bounds['maximum']:,}"
    assert rows.keys() >= set(NAMES) | set(MODELS)
