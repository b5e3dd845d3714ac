"""What the dialect offers as a whole."""

import pytest

from fastgw.protocols.converse.dialect import DIALECT
from fastgw.protocols.hub.dialect import ProviderDialect


def test_it_is_a_dialect_of_providers() -> None:
    offered: ProviderDialect = DIALECT
    assert offered.name == "converse"


def test_no_stream_of_it_is_relayed_untouched() -> None:
    with pytest.raises(AssertionError):
        DIALECT.tap(hide_usage=False)
