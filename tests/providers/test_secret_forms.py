"""Which secrets sign, and which are sent."""

import pytest

from fastgw.providers.secret_forms import aws_parts, entra_parts, mistake, signed

AWS = "AKIDEXAMPLE000000000:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ENTRA = "contoso.example:11111111-2222-3333-4444-555555555555:s~e.c:ret"


@pytest.mark.parametrize(
    ("signer", "secret", "signs"),
    [
        ("sigv4", AWS, True),
        ("sigv4", AWS + ":FwoGZXIvYXdzE//token==", True),
        ("sigv4", "bedrock-api-key-YmVkcm9jaw==", False),
        ("sigv4", "short:secret", False),
        ("google", '{"type": "service_account"}', True),
        ("google", "AIzaSy", False),
        ("entra", ENTRA, True),
        ("entra", "0123456789abcdef", False),
        ("", AWS, False),
        ("", "{}", False),
    ],
)
def test_signed(signer: str, secret: str, signs: bool) -> None:
    assert signed(signer, secret) is signs


@pytest.mark.parametrize(
    ("signer", "secret", "wrong"),
    [
        ("sigv4", AWS, False),
        ("sigv4", "bedrock-api-key", False),
        ("sigv4", "id:secret", True),
        ("entra", ENTRA, False),
        ("entra", "0123456789abcdef", False),
        ("entra", "a:b:c", True),
        ("google", '{"client_email":"a","private_key":"b"}', False),
        ("google", "AIzaSy", False),
        ("google", '{"type":"x"}', True),
        ("", "a:b", False),
    ],
)
def test_mistakes(signer: str, secret: str, wrong: bool) -> None:
    found = mistake(signer, secret)
    assert (found is not None) is wrong
    assert found is None or secret not in found[0] + found[1]


def test_parts() -> None:
    assert aws_parts(AWS + ":tok:en") == (*AWS.split(":"), "tok:en")
    assert entra_parts(ENTRA) == ("contoso.example", "11111111-2222-3333-4444-555555555555", "s~e.c:ret")
    assert aws_parts("x") is entra_parts("x") is None
