"""What crosses the interface of payment providers."""

from fastgw.controlplane.payments.provider import NoticeRefused, ProviderFailed, header


def test_the_first_value_of_a_header_counts() -> None:
    headers = [(b"x-a", b" 1 "), (b"X-B", b"\xe9"), (b"x-a", b"2")]
    assert [header(headers, name) for name in (b"x-a", b"x-b", b"x-c")] == ["1", "é", ""]


def test_failures_carry_what_to_answer() -> None:
    assert NoticeRefused("no").status == 400
    assert NoticeRefused("no", status=403).status == 403
    assert ProviderFailed("away", again=True).again
