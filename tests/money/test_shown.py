"""What is shown of a tariff is all that it says, and no more."""

import msgspec

from fastgw.money.pricing import Tariff
from fastgw.money.shown import TOKENS, lines, told

TARIFF = Tariff(
    from_ms=5,
    in_text=2_500_000_000,
    cache_read=250_000_000,
    out_text=15_000_000_000,
    call=1_000_000,
    units={"image": {"hd": 40_000_000_000_000}},
    tiers=(Tariff(in_text=5_000_000_000, out_text=22_500_000_000, above=272_000),),
    speeds={"priority": Tariff(in_text=5_000_000_000, out_text=30_000_000_000)},
)


def test_lines_are_in_usd_and_leave_out_what_costs_the_same() -> None:
    assert list(lines(TARIFF)) == [
        ("in_text", "2.5"),
        ("cache_read", "0.25"),
        ("out_text", "15"),
        ("in_text above 272,000", "5"),
        ("out_text above 272,000", "22.5"),
        ("call", "0.001"),
        ("image hd", "40000"),
        ("in_text priority", "5"),
        ("out_text priority", "30"),
    ]


def test_json_has_every_price() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(told(TARIFF)))
    assert (shown["from_ms"], shown["in_text"], shown["cache_write_1h"]) == (5, 2_500_000_000, 2_500_000_000)
    assert (shown["call"], shown["units"]) == (1_000_000, {"image": {"hd": 40_000_000_000_000}})
    assert shown["tiers"][0].keys() == {"above", *TOKENS}
    assert shown["speeds"]["priority"]["out_text"] == 30_000_000_000
    told_fields = {*TOKENS, "from_ms", "call", "units", "tiers", "speeds", "above"}
    assert set(Tariff.__struct_fields__) == told_fields
