"""Secrets of providers from values, variables and files."""

from pathlib import Path

import pytest

from fastgw.providers import VENDORS
from fastgw.settings import load
from fastgw.settings.secrets import SECRET_BYTES_MAX
from fastgw.settings.values import Credential
from tests.settings.written import found, write

HEAD = '[[providers]]\nname = "x"\nbase_url = "http://h"\n'
ACCOUNT = '{\n  "client_email": "a@p",\r\n  "private_key": "-----BEGIN  KEY-----\\nabc\\n"\n}\n'
ONE_LINE = '{ "client_email": "a@p", "private_key": "-----BEGIN  KEY-----\\nabc\\n" }'


def secrets(folder: Path, text: str, **environ: str) -> tuple[Credential, ...]:
    return load(environ, write(folder, HEAD + text), VENDORS).providers[0].credentials


def test_a_file_holds_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("sk-1\n")
    assert secrets(tmp_path, f'secret_file = "{file}"\n') == (Credential("toml-1", "sk-1"),)
    text = f'[[providers.credentials]]\nlabel = "a"\nsecret_file = "{file}"\n'
    assert secrets(tmp_path, text) == (Credential("a", "sk-1"),)


def test_json_becomes_one_line_and_stays_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_bytes(ACCOUNT.encode())
    assert secrets(tmp_path, f'secret_file = "{file}"\n')[0].secret == ONE_LINE
    assert secrets(tmp_path, 'secret_env = "ACCOUNT"\n', ACCOUNT=ACCOUNT)[0].secret == ONE_LINE
    (vertex,) = load({"VERTEX_API_KEY": ACCOUNT, "VERTEX_PROJECT": "p"}, None, VENDORS).providers
    assert vertex.credentials == (Credential("env", ONE_LINE),), "commas in JSON part no keys"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file or directory. Give the path of a readable file."),
        (b"", "holds no secret. Give the path of a file of 1 to"),
        (b"x" * (SECRET_BYTES_MAX + 1), "holds no secret. Give the path of a file of 1 to"),
        (b"\xff\xfe", "is no text. Give the path of a file that holds the secret as text."),
    ],
)
def test_a_file_that_is_no_use_is_named_with_its_line(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    ((line, key, text),) = found(tmp_path, f'{HEAD}secret_file = "{file}"\n')
    assert (line, key) == (4, "providers[0].secret_file")
    assert text.startswith(f"{file} {message}")


@pytest.mark.parametrize(
    ("vendor", "secret", "message"),
    [
        ("bedrock", "akid:secret", "Is no access key of AWS. Write it as ID:SECRET or ID:SECRET:SESSION_TOKEN."),
        (
            "vertex",
            '{"type": "user"}',
            "Is no JSON of a service account. Give the file that Google Cloud made for its key.",
        ),
        ("azure", "tenant:client", "Is no application of Entra ID. Write it as TENANT:CLIENT_ID:CLIENT_SECRET."),
    ],
)
def test_a_secret_that_was_meant_to_sign_and_cannot(tmp_path: Path, vendor: str, secret: str, message: str) -> None:
    places = {"BEDROCK_REGION": "eu-west-1", "VERTEX_PROJECT": "p", "AZURE_OPENAI_RESOURCE": "r"}
    text = f'[[providers]]\nname = "x"\nvendor = "{vendor}"\nsecret_env = "IT"\n'
    assert found(tmp_path, text, IT=secret, **places) == [(1, "providers[0]", message)]
    variable = f"{VENDORS[vendor].env_prefix}_API_KEY"
    assert found(tmp_path, "", **{variable: secret}, **places) == [(0, variable, message)]


def test_one_source_only(tmp_path: Path) -> None:
    ((_, _, text),) = found(tmp_path, HEAD + 'secret = "s"\nsecret_file = "f"\n')
    assert text == "Has both secret and secret_file. Keep one of them."
