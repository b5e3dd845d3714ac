"""Which credentials get a signer, and what it does to a request."""

import msgspec
import pytest

from fastgw.dataplane.upstream.credentials import entra, signers
from fastgw.dataplane.upstream.credentials.sigv4 import SigV4
from fastgw.dataplane.upstream.credentials.tokens import Bearer
from fastgw.dataplane.upstream.transport import Request
from fastgw.errors import StartupError
from fastgw.settings.values import Credential, ProviderSettings, Settings
from tests.dataplane.upstream.credentials.issuer import issuing, token
from tests.dataplane.upstream.credentials.test_google import file

AWS = "AKIDEXAMPLE000000000:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ENTRA = "contoso.example:11111111-2222-3333-4444-555555555555:s~e.c:ret"


def settings_of(vendor: str, *secrets: str) -> Settings:
    credentials = tuple(Credential(f"c{index}", secret) for index, secret in enumerate(secrets))
    return Settings(providers=(ProviderSettings("acme", vendor, "https://h", credentials, region="eu-west-1"),))


@pytest.mark.parametrize(
    ("vendor", "secret", "kind"),
    [
        ("bedrock", AWS, SigV4),
        ("vertex", file(), Bearer),
        ("azure", ENTRA, Bearer),
        ("azure_deployments", ENTRA, Bearer),
    ],
)
def test_each_secret_that_signs_has_its_signer(vendor: str, secret: str, kind: type) -> None:
    made = signers(settings_of(vendor, "plain-key", secret))
    assert {name: type(one) for name, one in made.items()} == {"acme/c1": kind}


def test_plain_keys_need_none() -> None:
    assert signers(settings_of("openai", AWS, file())) == {}


def test_a_secret_that_cannot_sign_stops_the_start() -> None:
    with pytest.raises(StartupError, match="provider acme"):
        signers(settings_of("vertex", "{}"))


async def test_bedrock_signs_for_its_region() -> None:
    signer = signers(settings_of("bedrock", AWS), lambda: 1_440_938_160_000)["acme/c0"]
    signed = await signer.sign(Request(b"POST", "https://h", b"/model/m/converse", (), b"{}"))
    authorization = dict(signed.headers)[b"authorization"]
    assert b"Credential=AKIDEXAMPLE000000000/20150830/eu-west-1/bedrock/aws4_request" in authorization


async def test_vertex_fetches_a_token_and_sends_it() -> None:
    async with issuing(token("ya29.x")) as issuer:
        signer = signers(settings_of("vertex", file(token_uri=issuer.url)))["acme/c0"]
        asked = Request(b"POST", "https://h", b"/", (), b"{}")
        signed = [await signer.sign(asked) for _ in range(3)]
    assert {one.headers for one in signed} == {((b"authorization", b"Bearer ya29.x"),)}
    assert len(issuer.forms) == 1
    assert issuer.forms[0]["grant_type"].endswith("jwt-bearer")
    assert msgspec.structs.replace(signed[0], headers=()) == asked


def test_entra_is_asked_for_the_cognitive_services() -> None:
    question = entra.question("contoso.example", "id", "s&e=c")
    assert question.url == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    assert question.form == {
        "grant_type": "client_credentials",
        "client_id": "id",
        "client_secret": "s&e=c",
        "scope": "https://cognitiveservices.azure.com/.default",
    }
