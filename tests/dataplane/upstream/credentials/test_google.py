"""What Google is asked with, checked with the public half of a key made for the test."""

from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fastgw.dataplane.upstream.credentials import google
from fastgw.errors import StartupError

KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
NOW_S = 1_800_000_000


def pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def file(**changes: object) -> str:
    fields: dict[str, object] = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "kid-1",
        "private_key": pem(KEY),
        "client_email": "a@p.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return msgspec.json.encode(fields | changes).decode()


def test_the_statement_is_signed_and_says_what_google_wants() -> None:
    question = google.question(google.account(file(), "vertex"), NOW_S * 1_000)
    assert question.url == "https://oauth2.googleapis.com/token"
    assert question.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    statement = question.form["assertion"]
    assert jwt.get_unverified_header(statement) == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}
    claims = jwt.decode(
        statement, KEY.public_key(), algorithms=["RS256"], audience=question.url, options={"verify_exp": False,
                                                                                           "verify_iat": False}
    )  # fmt: skip
    assert claims == {
        "iss": "a@p.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": "https://oauth2.googleapis.com/token",
        "iat": NOW_S,
        "exp": NOW_S + 3_600,
    }


def test_the_address_of_tokens_can_be_another_one() -> None:
    assert google.account(file(token_uri="http://127.0.0.1:1/t"), "vertex").token_url == "http://127.0.0.1:1/t"


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("{", "is no JSON of a service account"),
        ('{"client_email": "x"}', "is no JSON of a service account"),
        (file(private_key="nonsense"), "has a private_key that cannot be read"),
        (file(private_key=pem(ec.generate_private_key(ec.SECP256R1()))), "is not of RSA"),
        (file(token_uri="ftp://x"), "has a token_uri that is no URL"),
    ],
)
def test_a_secret_that_cannot_sign_is_refused_without_being_shown(secret: str, what: str) -> None:
    with pytest.raises(StartupError, match=what) as refused:
        google.account(secret, "vertex")
    assert "provider vertex" in str(refused.value)
    assert "nonsense" not in str(refused.value)


def test_a_repr_shows_no_key() -> None:
    assert repr(google.account(file(), "vertex")) == "Account('a@p.iam.gserviceaccount.com')"
