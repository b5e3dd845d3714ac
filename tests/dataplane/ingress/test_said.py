"""What headers say besides the key."""

from fastgw.dataplane.ingress.said import BETAS_MAX, NOTHING_SAID, said_in


def test_without_such_headers_nothing_is_said() -> None:
    assert said_in([(b"authorization", b"Bearer x")]) is NOTHING_SAID


def test_version_and_betas_are_read_from_any_number_of_headers() -> None:
    said = said_in([(b"anthropic-version", b" 2023-06-01 "), (b"anthropic-beta", b"a, b,"), (b"anthropic-beta", b"c")])
    assert (said.version, said.betas) == ("2023-06-01", ("a", "b", "c"))


def test_what_is_read_is_bounded() -> None:
    said = said_in([(b"anthropic-version", b"x" * 99), (b"anthropic-beta", b",".join([b"y" * 99] * 99))])
    assert len(said.version) == 32
    assert len(said.betas) == BETAS_MAX
    assert {len(name) for name in said.betas} == {64}
