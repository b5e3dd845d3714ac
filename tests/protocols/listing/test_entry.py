"""What the lists of all dialects share: prices, and numbers in queries."""

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.listing.entry import index_of, number, pricing
from fastgw.settings.prices import Price
from tests.protocols.listing.entries import many


@pytest.mark.parametrize(
    ("nano_usd_per_mtok", "shown"),
    [(3_000_000_000, "0.000003"), (1, "0.000000000000001"), (10**15, "1"), (0, "0"), (1_250_000_000, "0.00000125")],
)
def test_prices_are_exact_decimals(nano_usd_per_mtok: int, shown: str) -> None:
    seen = msgspec.to_builtins(pricing(Price(input=nano_usd_per_mtok, output=0, cache_read=nano_usd_per_mtok)))
    assert seen == {"prompt": shown, "completion": "0", **({"input_cache_read": shown} if nano_usd_per_mtok else {})}
    assert pricing(None) is msgspec.UNSET


def test_a_number_is_read_within_its_bounds() -> None:
    assert number({}, ("limit",), 20, 1, 100) == 20
    assert number({"limit": ["3", "100"]}, ("limit",), 20, 1, 100) == 100
    assert number({"page_size": ["7"]}, ("pageSize", "page_size"), 20, 1, 100) == 7
    for wrong in ("0", "101", "-1", "1.5", "x", "", "²", "9" * 400):
        with pytest.raises(GatewayError) as raised:
            number({"limit": [wrong]}, ("limit",), 20, 1, 100)
        assert (raised.value.status, raised.value.param) == (400, "limit")


def test_a_place_in_the_list_is_found_by_name() -> None:
    assert index_of(many(3), "acme/m-2", "after_id") == 2
    with pytest.raises(GatewayError) as raised:
        index_of(many(3), "gone", "after_id")
    assert (raised.value.status, raised.value.param) == (400, "after_id")
