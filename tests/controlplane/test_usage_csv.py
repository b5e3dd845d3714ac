"""The export as a spreadsheet reads it: every row back as it was, and no cell that would be run."""

import csv
import io

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.controlplane.usage_csv import COLUMNS, HEAD, lines
from fastgw.money.amounts import nano
from fastgw.spending import UsageRow
from fastgw.usage import Usage

ROW = UsageRow(
    exchange_id="req_1",
    started_ms=1_763_726_400_007,
    key_id="key_a",
    account_id="acct_a",
    group_name="",
    model="fake/fake-1",
    provider="fake",
    provider_model="fake-1",
    surface="chat",
    stream=True,
    status=200,
    outcome="ok",
    error=None,
    usage=Usage(in_text=3, out_text=2**40, searches=2),
    usage_estimated=False,
    first_byte_ms=1,
    total_ms=2,
    attempts=1,
    hold_nano=10,
    charge_nano=1_500_000_001,
    cost_nano=0,
    overage_nano=0,
    unpriced=False,
)


def parsed(text: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((HEAD + text).decode(), newline=""), strict=True))


def test_a_row_with_all_its_cells() -> None:
    (row,) = parsed(lines([ROW]))
    assert tuple(row) == COLUMNS
    assert (row["started_at"], row["stream"], row["unpriced"]) == ("2025-11-21T12:00:00.007Z", "true", "false")
    assert (row["in_text"], row["out_text"], row["total_tokens"]) == ("3", str(2**40), str(2**40 + 3))
    assert row["searches"] == "2"
    assert (row["charge_usd"], row["cost_usd"], row["error"]) == ("1.500000001", "0", "")
    assert nano(row["charge_usd"]) == ROW.charge_nano
    assert HEAD.endswith(b"\r\n") and lines([ROW]).count(b"\r\n") == 1
    assert lines([]) == b""


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", '"=1"', "=cmd|' /C calc'!A0", "a,b", 'a"b', "a\r\nb", "＝1"]
)


@settings(max_examples=150)
@given(TEXTS, TEXTS)
def test_no_text_breaks_a_row_or_begins_a_formula(model: str, provider_model: str) -> None:
    changed = msgspec.structs.replace(ROW, model=model, provider_model=provider_model)
    first, second = parsed(lines([changed, ROW]))
    for name, text in (("model", model), ("provider_model", provider_model)):
        assert first[name] in {text, f"'{text}"}
        assert not first[name].startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
        assert text[:1] in "'=+-@\t\r\n＝＋－＠" or first[name] == text
    assert second["model"] == "fake/fake-1"


def test_names_that_no_encoding_takes() -> None:
    broken = msgspec.structs.replace(ROW, model="a\ud800b")
    assert parsed(lines([broken]))[0]["model"] == "a?b"
