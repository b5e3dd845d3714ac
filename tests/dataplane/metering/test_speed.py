"""What a request says of its speed is read in every dialect's words."""

import pytest

from fastgw.dataplane.metering.speed import speed_of
from fastgw.protocols.toplevel import decode


@pytest.mark.parametrize(
    ("body", "speed"),
    [
        ("{}", ""),
        ('{"service_tier":"priority"}', "priority"),
        ('{"service_tier":"prior\\u0069ty"}', "priority"),
        ('{"service_tier":"auto"}', ""),
        ('{"service_tier":null}', ""),
        ('{"service_tier":["priority"]}', ""),
        ('{"service_tier":"auto","speed":"fast"}', "fast"),
        ('{"speed":"standard"}', ""),
        ('{"serviceTier":"SERVICE_TIER_PRIORITY"}', "priority"),
        ('{"service_tier":"' + "x" * 100 + '"}', ""),
    ],
)
def test_a_speed_is_a_word(body: str, speed: str) -> None:
    assert speed_of(decode(body.encode(), 10)) == speed
