"""What a request says of its speed is read in every dialect's words."""

import pytest

from fastgw.dataplane.metering.speed import speeds_of, tariff_at
from fastgw.money.pricing import Pricing, Tariff
from fastgw.protocols.toplevel import decode


@pytest.mark.parametrize(
    ("body", "speeds"),
    [
        ("{}", ()),
        ('{"service_tier":"priority"}', ("priority",)),
        ('{"service_tier":"prior\\u0069ty"}', ("priority",)),
        ('{"service_tier":"auto"}', ()),
        ('{"service_tier":null}', ()),
        ('{"service_tier":["priority"]}', ()),
        ('{"service_tier":"auto","speed":"fast"}', ("fast",)),
        ('{"speed":"standard"}', ()),
        ('{"serviceTier":"SERVICE_TIER_PRIORITY"}', ("priority",)),
        ('{"service_tier":"' + "x" * 100 + '"}', ()),
    ],
)
def test_a_speed_is_a_word(body: str, speeds: tuple[str, ...]) -> None:
    assert speeds_of(decode(body.encode(), 10)) == speeds


def test_of_several_speeds_the_dearest_counts() -> None:
    slow, fast = Tariff(in_text=1, out_text=1), Tariff(in_text=9, out_text=9)
    common = Tariff(in_text=3, out_text=3, speeds={"flex": slow, "priority": fast})
    pricing = Pricing((common,))
    assert tariff_at(pricing, 0, ()) is common
    assert tariff_at(pricing, 0, ("flex",)) is slow
    assert tariff_at(pricing, 0, ("flex", "priority")) is fast
    assert tariff_at(pricing, 0, ("flex", "unheard of")) is common
