"""The shipped book is there for every vendor that names one, and is what the build script makes."""

import datetime
from decimal import Decimal

import msgspec
import pytest

from fastgw.money.book import NO_BOOK, Book, ModelFacts, shipped
from fastgw.money.book_build import BOOKS, _nano, build
from fastgw.providers import VENDORS


@pytest.mark.parametrize("name", sorted(vendor.price_book for vendor in VENDORS.values() if vendor.price_book))
def test_each_book_is_shipped_and_sound(name: str) -> None:
    book = shipped(name)
    assert len(book.models) > 5
    for alias in (*book.also.values(), *book.prefixes.values()):
        assert alias in book.models
    for facts in book.models.values():
        assert facts.context_length >= 0
        assert facts.price is None or facts.price.input + facts.price.output >= 0


def test_names_are_found_exactly_then_by_alias_then_by_the_longest_beginning() -> None:
    one, two, three = ModelFacts(1), ModelFacts(2), ModelFacts(3)
    book = Book({"m": one, "m-x": two, "m-x-y": three}, {"alias": "m-x"}, {"m-": "m", "m-x-": "m-x-y"})
    assert [book.find(name) for name in ("m", "alias", "m-2026", "m-x-2026", "other")] == [one, two, one, three, None]


def test_an_unknown_book_is_empty() -> None:
    assert shipped("none") is NO_BOOK
    assert shipped("") is NO_BOOK


def test_amounts_are_exact_and_rounded_up() -> None:
    assert _nano(Decimal("1.25")) == 1_250_000_000
    assert _nano(Decimal("0.0000000001")) == 1
    assert _nano(None) == 0


def test_the_build_script_makes_what_the_reader_reads() -> None:
    book = build("anthropic", BOOKS["anthropic"], datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC))
    assert msgspec.json.decode(msgspec.json.encode(book), type=Book) == book
    assert set(book.models) <= set(shipped("anthropic").models) | set(shipped("anthropic").also)
