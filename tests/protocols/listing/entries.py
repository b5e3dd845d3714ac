"""Models to list, as the catalogue gives them."""

import msgspec

from fastgw.settings.prices import DatedPrice


class Model(msgspec.Struct, frozen=True):
    id: str
    owned_by: str = "acme"
    created: int = 0
    context_length: int = 0
    max_output: int = 0
    price: DatedPrice | None = None


KNOWN = Model(
    "acme/one:free", "acme", 1_700_000_000, 200_000, 8_192, DatedPrice(input=3_000_000_000, output=15_000_000_000)
)
UNKNOWN = Model("two")
PRICES = {"prompt": "0.000003", "completion": "0.000015"}


def many(count: int) -> list[Model]:
    return [Model(f"acme/m-{number}") for number in range(count)]
