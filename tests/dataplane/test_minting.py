"""Identifiers of exchanges."""

from fastgw.dataplane.minting import Minter


def test_identifiers_are_unique_and_sorted_by_time() -> None:
    one, other = Minter(), Minter()
    minted = [one.next(ms) for ms in (1, 1, 2, 1_800_000_000_000)]
    assert len({*minted, other.next(1)}) == 5
    assert minted == sorted(minted)
    assert {len(each) for each in minted} == {31}
