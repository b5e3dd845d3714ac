"""Where a provider is, from file and variables, and what is wrong with it."""

from pathlib import Path

import pytest

from fastgw.providers import VENDORS
from fastgw.settings import load
from fastgw.settings.addresses import Address, base_url_of
from tests.settings.written import found, write


def url(folder: Path, text: str, **environ: str) -> str:
    return load(environ, write(folder, text), VENDORS).providers[0].base_url


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ('vendor = "bedrock"\nregion = "eu-west-1"', {}, "https://bedrock-runtime.eu-west-1.amazonaws.com"),
        ('vendor = "bedrock"', {"BEDROCK_REGION": "us-east-1"}, "https://bedrock-runtime.us-east-1.amazonaws.com"),
        (
            'vendor = "vertex"\nproject = "p"',
            {},
            "https://aiplatform.googleapis.com/v1/projects/p/locations/global",
        ),
        (
            'vendor = "vertex"\nproject = "p"\nregion = "eu"',
            {"VERTEX_REGION": "us"},
            "https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu",
        ),
        ('vendor = "azure"\nresource = "r"', {}, "https://r.openai.azure.com/openai/v1"),
        ('vendor = "azure"', {"AZURE_OPENAI_BASE_URL": "https://h/openai/v1/"}, "https://h/openai/v1"),
        ('vendor = "moonshot"\nregion = "cn"', {}, "https://api.moonshot.cn/v1"),
        ('vendor = "moonshot"', {"MOONSHOT_REGION": "cn"}, "https://api.moonshot.cn/v1"),
        ('vendor = "moonshot"', {}, "https://api.moonshot.ai/v1"),
        ('vendor = "bedrock"\nregion = "eu-west-1"\nbase_url = "http://proxy/b/"', {}, "http://proxy/b"),
    ],
)
def test_base_urls(tmp_path: Path, text: str, environ: dict[str, str], expected: str) -> None:
    assert url(tmp_path, f'[[providers]]\nname = "x"\nsecret = "k"\n{text}\n', **environ) == expected


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ('vendor = "bedrock"', [(1, "providers[0]", 'x has no region. Add region = "…".')]),
        ('vendor = "bedrock"\nbase_url = "http://h"', [(1, "providers[0]", 'x has no region. Add region = "…".')]),
        ('vendor = "azure"', [(1, "providers[0]", 'x has no resource. Add resource = "…".')]),
        (
            'vendor = "azure"\nresource = "a/b"',
            [(5, "providers[0].resource", "x has a resource that is no name. Use letters, digits, '.', ':' and '-'.")],
        ),
        ('vendor = "moonshot"\nregion = "cm"', [(5, "providers[0].region", "x knows no region cm. Known: cn.")]),
        ('vendor = "xai"\nproject = "p"', [(5, "providers[0].project", "x knows no project. Leave it out.")]),
        (
            'vendor = "azure_deployments"\nresource = "r"',
            [(1, "providers[0]", 'x has no api_version. Add api_version = "2024-10-21", or a later one.')],
        ),
        (
            'vendor = "xai"\napi_version = "1"',
            [(5, "providers[0].api_version", "xai knows no versions of its API. Leave it out.")],
        ),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, text: str, mistakes: list[tuple[int, str, str]]) -> None:
    assert found(tmp_path, f'[[providers]]\nname = "x"\nsecret = "k"\n{text}\n') == mistakes


def test_a_variable_that_turns_a_vendor_on_names_the_others_that_it_needs(tmp_path: Path) -> None:
    remedy = "Set AZURE_OPENAI_RESOURCE, or AZURE_OPENAI_BASE_URL."
    assert found(tmp_path, "", AZURE_OPENAI_API_KEY="k") == [
        (0, "AZURE_OPENAI_RESOURCE", f"azure has no resource. {remedy}")
    ]
    (azure,) = load({"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_RESOURCE": "r"}, None, VENDORS).providers
    assert azure.any_model, "a vendor that lists nothing must be believed"
    (bedrock,) = load({"BEDROCK_API_KEY": "k", "BEDROCK_REGION": "eu-west-1"}, None, VENDORS).providers
    assert bedrock.region == "eu-west-1"


def test_what_a_server_speaks_and_takes(tmp_path: Path) -> None:
    text = (
        '[[providers]]\nname = "x"\nbase_url = "http://h"\nspeaks = ["chat", "responses"]\n'
        "abilities = { image_input = false, output_max = 8192 }\n"
    )
    (provider,) = load({}, write(tmp_path, text), VENDORS).providers
    assert provider.speaks == ("chat", "responses")
    assert provider.abilities == {"image_input": False, "output_max": 8192}
    wrong = text.replace("responses", "response").replace("image_input", "image_inptu").replace("8192", '"8k"')
    assert found(tmp_path, wrong) == [
        (4, "providers[0].speaks[1]", "There is no dialect response. Did you mean responses?"),
        (5, "providers[0].abilities.image_inptu", "Unknown ability. Did you mean image_input?"),
        (5, "providers[0].abilities.output_max", "Expected `int`, got `str`. It is 0 by default."),
    ]


def test_what_nobody_gave_stays_a_placeholder() -> None:
    assert base_url_of(VENDORS["bedrock"], Address()) == "https://bedrock-runtime.{region}.amazonaws.com"
    assert base_url_of(VENDORS["openai_compatible"], Address()) == ""
    assert Address("a", project="p").over(Address("b", "r")) == Address("a", "r", "p")
