"""Names of models lead to the right candidates, and to no others."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.dataplane.routing.catalog import MEMO_MAX, Catalog, allowed
from fastgw.money.book import shipped
from fastgw.providers import VENDORS
from fastgw.settings import Settings, load
from fastgw.settings.prices import Price
from fastgw.settings.values import Credential, ModelSettings, ProviderSettings, ProviderTls


def provider(name: str, *models: str, keys: int = 1, any_model: bool = False) -> ProviderSettings:
    return ProviderSettings(
        name=name,
        vendor="openai_compatible",
        base_url=f"http://{name}:1/v1",
        credentials=tuple(Credential(f"c{index}", f"secret-{name}-{index}") for index in range(keys)),
        models=models,
        any_model=any_model,
    )


def catalog(*providers: ProviderSettings, **aliases: list[str]) -> Catalog:
    models = tuple(ModelSettings(name.replace("_", "-"), tuple(targets)) for name, targets in aliases.items())
    return Catalog.build(Settings(providers=providers, models=models), {})


def ways(found: Catalog, name: str) -> list[str]:
    return [f"{candidate.public_model}@{candidate.credential}" for candidate in found.resolve(name)]


def test_a_bare_name_goes_to_every_provider_in_configured_order() -> None:
    found = catalog(provider("b", "m", keys=2), provider("a", "m"), provider("c", "other"))
    assert ways(found, "m") == ["b/m@c0", "b/m@c1", "a/m@c0"]
    assert ways(found, "a/m") == ["a/m@c0"]


@pytest.mark.parametrize("name", ["", "/", "m/", "a/", "a/none", "none", "none/m", "A/m", "a//m", "x" * 10_000])
def test_other_names_are_unknown(name: str) -> None:
    assert catalog(provider("a", "m")).resolve(name) == ()
    assert catalog(provider("a", "m")).model(name) is None


def test_names_with_slashes_and_colons() -> None:
    found = catalog(provider("router", "meta/llama:free", "openai/gpt"), provider("openai", "gpt"))
    assert ways(found, "router/meta/llama:free") == ways(found, "meta/llama:free") == ["router/meta/llama:free@c0"]
    assert ways(found, "openai/gpt") == ["openai/gpt@c0"]
    assert ways(catalog(provider("router", "openai/gpt")), "openai/gpt") == ["router/openai/gpt@c0"]


def test_aliases_chain_in_order_and_each_way_counts_once() -> None:
    found = catalog(
        provider("a", "m", "n", keys=2), provider("b", "m"), best=["b/m", "fast"], fast=["a/m", "b/m", "a/gone", "a/n"]
    )
    assert ways(found, "best") == ["b/m@c0", "a/m@c0", "a/m@c1", "a/n@c0", "a/n@c1"]
    assert ways(found, "fast")[:3] == ["a/m@c0", "a/m@c1", "b/m@c0"]


def test_an_alias_hides_a_model_of_its_name() -> None:
    found = catalog(provider("a", "m"), provider("b", "m"), m=["b/m"])
    assert ways(found, "m") == ["b/m@c0"]
    assert ways(found, "a/m") == ["a/m@c0"]


def test_a_circle_of_aliases_ends() -> None:
    assert ways(catalog(provider("a", "m"), x=["y"], y=["x", "a/m"]), "x") == ["a/m@c0"]


def test_any_model_takes_what_no_other_has() -> None:
    found = catalog(provider("open", any_model=True), provider("a", "m"))
    assert ways(found, "m") == ["a/m@c0"]
    assert ways(found, "open/m") == ["open/m@c0"]
    assert ways(found, "new:thing/x") == ["open/new:thing/x@c0"]
    assert found.resolve("") == ()


def test_listed_models_count_too() -> None:
    found = Catalog.build(Settings(providers=(provider("a", "m"),)), {"a": ["n", "m"], "gone": ["x"]})
    assert [info.id for info in found.models()] == ["a/m", "a/n"]
    assert found.resolve("x") == ()


def test_a_second_look_is_the_same_and_memory_is_bounded() -> None:
    found = catalog(provider("open", any_model=True))
    assert found.resolve("x") is found.resolve("x")
    for number in range(MEMO_MAX + 100):
        assert len(found.resolve(f"m{number}")) == 1
    assert len(found._memo) == MEMO_MAX


def test_the_sandbox_without_an_address_has_no_models() -> None:
    assert Catalog.build(load({}, None, VENDORS), {}).models() == []
    found = Catalog.build(load({"FASTGW_SANDBOX_URL": "http://127.0.0.1:7/v1"}, None, VENDORS), {})
    names = {"sandbox/echo", "sandbox/slow", "sandbox/tools", "sandbox/error", "sandbox/cut"}
    assert {info.id for info in found.models()} == names
    (echo,) = found.resolve("echo")
    assert (echo.origin, echo.path, echo.headers) == ("http://127.0.0.1:7", b"/v1/chat/completions", ())


def test_the_sandbox_takes_knobs_behind_a_colon() -> None:
    found = Catalog.build(load({"FASTGW_SANDBOX_URL": "http://127.0.0.1:7/v1"}, None, VENDORS), {})
    assert ways(found, "sandbox/echo:chunks=10") == ["sandbox/echo:chunks=10@"]
    assert ways(found, "slow:delay_ms=1,words=2") == ["sandbox/slow:delay_ms=1,words=2@"]
    assert ways(found, "sandbox/other:chunks=10") == []
    assert ways(catalog(provider("a", "m")), "a/m:chunks=10") == []


def test_an_operators_header_replaces_the_vendors() -> None:
    own = provider("a", "m")
    (candidate,) = Catalog.build(
        Settings(providers=(msgspec.structs.replace(own, headers={"Authorization": "Basic x"}),)), {}
    ).resolve("m")
    assert candidate.headers == ((b"authorization", b"Basic x"),)


def test_facts_come_from_the_shipped_book_and_prices_from_the_configuration_first() -> None:
    settings = load({"OPENAI_API_KEY": "k"}, None, VENDORS)
    info = Catalog.build(settings, {}).model("gpt-5")
    assert info is not None
    assert (info.id, info.provider, info.owned_by, info.context_length) == ("gpt-5", "openai", "openai", 400_000)
    assert info.price == shipped("openai").models["gpt-5"].price
    priced = Settings(providers=settings.providers, prices={"openai/gpt-5": Price(input=7)})
    own = Catalog.build(priced, {}).model("openai/gpt-5")
    assert own is not None
    assert own.price == Price(input=7)


def test_lists_name_aliases_and_every_model_once() -> None:
    found = catalog(provider("a", "n", "m"), provider("b", "m"), fast=["b/m"], nowhere=["c/x"])
    assert [info.id for info in found.models()] == ["fast", "a/m", "a/n", "b/m"]
    assert found.models()[0].provider == "b"


def test_transport_facts_reach_the_candidate() -> None:
    settings = ProviderSettings(
        name="p",
        vendor="openai_compatible",
        base_url="https://h/v1",
        models=("m",),
        http_version="2",
        proxy="http://proxy:1",
        tls=ProviderTls(ca_file="/ca.pem"),
        headers={"X-Team": "blue"},
    )
    (candidate,) = Catalog.build(Settings(providers=(settings,)), {}).resolve("m")
    assert (candidate.http_version, candidate.proxy, candidate.tls) == ("2", "http://proxy:1", "p")
    assert candidate.headers == ((b"x-team", b"blue"),)


def test_no_repr_shows_a_secret() -> None:
    found = catalog(provider("a", "m", keys=3))
    shown = repr((found, found.resolve("m"), list(found._lanes.values())))
    assert "secret" not in shown
    assert "a/m" in shown


@pytest.mark.parametrize(
    ("patterns", "public", "asked", "may"),
    [
        ((), "openai/gpt", "gpt", True),
        (("openai/gpt",), "openai/gpt", "gpt", True),
        (("gpt",), "openai/gpt", "openai/gpt", True),
        (("openai/*",), "openai/gpt", "gpt", True),
        (("gp*",), "openai/gpt", "openai/gpt", True),
        (("fast",), "openai/gpt", "fast", True),
        (("*",), "openai/gpt", "x", True),
        (("gpt-5",), "openai/gpt-5-mini", "gpt-5-mini", False),
        (("azure/*", "o3"), "openai/gpt", "gpt", False),
        (("",), "openai/gpt", "gpt", False),
        (("openai",), "openai/gpt", "gpt", False),
    ],
)
def test_allowed(patterns: tuple[str, ...], public: str, asked: str, may: bool) -> None:
    assert allowed(patterns, public, asked) is may


NAMES = st.text("ab/:*", max_size=4)


@given(st.lists(NAMES, min_size=1), NAMES, NAMES)
def test_more_patterns_never_allow_less(patterns: list[str], public: str, asked: str) -> None:
    singly = [allowed([pattern], public, asked) for pattern in patterns]
    assert allowed(patterns, public, asked) is any(singly)


@given(st.lists(st.lists(st.sampled_from(["m", "n", "a/m", "b:1"]), unique=True), min_size=1, max_size=4), NAMES)
def test_a_resolved_candidate_always_has_the_model(offers: list[list[str]], asked: str) -> None:
    found = catalog(*(provider(f"p{index}", *models) for index, models in enumerate(offers)))
    listed = {info.id for info in found.models()}
    assert listed == {f"p{index}/{model}" for index, models in enumerate(offers) for model in models}
    for name in [asked, *listed, *(model for models in offers for model in models)]:
        candidates = found.resolve(name)
        assert {candidate.public_model for candidate in candidates} <= listed
        assert all(name in {candidate.public_model, candidate.model} for candidate in candidates)
        assert bool(candidates) == (name in listed or any(name in models for models in offers))
