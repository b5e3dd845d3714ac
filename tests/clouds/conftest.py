"""One worker before clouds that want signatures and tokens, played by one fake provider."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cells.conftest import Ground, serving
from tests.clouds.played import ACCESS_KEY, BEDROCK_KEY, played
from tests.fakes import FakeProvider


def _account(folder: Path, name: str, token_url: str) -> Path:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file = folder / f"{name}.json"
    fields = {"client_email": "a@p", "private_key": pem, "private_key_id": "k", "token_uri": token_url}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(fields)))
    return file


def _toml(port: int, folder: Path) -> str:
    origin = f"http://127.0.0.1:{port}"
    account, refused = (_account(folder, name, f"{origin}/{name}") for name in ("token", "refused"))
    common = "list_models = false\nany_model = true\n"
    return f"""
[[providers]]
name = "bedrock"
region = "eu-west-1"
base_url = "{origin}"
secret = "{ACCESS_KEY}"
{common}
[[providers]]
name = "keyed"
vendor = "bedrock"
region = "eu-west-1"
base_url = "{origin}"
secret = "{BEDROCK_KEY}"
{common}
[[providers]]
name = "vertex"
project = "p"
base_url = "{origin}/v1/projects/p/locations/global"
secret_file = "{account}"
{common}
[[providers]]
name = "refused"
vendor = "vertex"
project = "p"
base_url = "{origin}/v1/projects/p/locations/global"
secret_file = "{refused}"
{common}
[[providers]]
name = "classic"
vendor = "azure_deployments"
base_url = "{origin}/openai"
api_version = "2024-10-21"
secret = "azure-key"
{common}
"""


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def _clouds(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    folder = tmp_path_factory.mktemp("clouds")
    with FakeProvider() as provider:
        async with serving(folder, provider, _toml(provider.port, folder)) as clouds:
            yield clouds


@pytest.fixture
def clouds(_clouds: Ground) -> Ground:
    """The shared worker before clouds that remember nothing."""
    _clouds.provider.forget()
    _clouds.provider.default = played
    return _clouds
