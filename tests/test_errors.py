"""The closed set of error kinds: each has a status and somebody whose doing it is."""

import pytest

from fastgw.errors import ErrorKind, Fault, GatewayError


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_has_a_status_that_says_whose_doing_it_is(kind: ErrorKind) -> None:
    assert 400 <= kind.status <= 599
    if kind.fault is Fault.CLIENT:
        assert kind.status < 500
    if kind.fault is Fault.GATEWAY:
        assert kind.status >= 500


def test_names_are_stable_words() -> None:
    assert [kind.value for kind in ErrorKind] == [kind.name.lower() for kind in ErrorKind]


def test_no_route_is_a_matter_of_the_providers_and_a_refusal_one_of_the_caller() -> None:
    assert ErrorKind.NO_ROUTE.fault is Fault.UPSTREAM
    assert ErrorKind.UPSTREAM_REFUSED.fault is Fault.CLIENT
    assert ErrorKind.OVERLOADED.fault is Fault.GATEWAY


def test_an_error_takes_the_status_of_its_kind_unless_it_brings_one() -> None:
    assert GatewayError(ErrorKind.RATE_LIMITED, "slow down").status == 429
    assert GatewayError(ErrorKind.UPSTREAM_REFUSED, "no", status=422).status == 422
