"""Runs each contract test on every lane, and holds the known gaps to account."""

from collections.abc import AsyncIterator

import pytest

from fastgw.dataplane.upstream.transport import TransportError
from tests.dataplane.upstream.origin import PATIENCE_S, Certificates
from tests.dataplane.upstream.rig import HTTP1, HTTP2, KNOWN_GAPS, LANES, Lane, Rig


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def rig(lane: Lane, certificates: Certificates, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    gap = (lane.transport, lane.version, request.function.__name__) in KNOWN_GAPS
    made = Rig(lane, certificates, patience_s=1.0 if gap else PATIENCE_S)
    yield made
    await made.finish()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "lane" not in metafunc.fixturenames:
        return
    lanes = LANES
    if metafunc.definition.get_closest_marker("http1_only"):
        lanes = HTTP1
    elif metafunc.definition.get_closest_marker("http2_only"):
        lanes = HTTP2
    if metafunc.definition.get_closest_marker("proxied_only"):
        # HTTP/2 without TLS has no way through a proxy that reads requests.
        lanes = [lane for lane in LANES if lane.tls or lane.version == "1.1"]
    elif metafunc.definition.get_closest_marker("tls_only"):
        lanes = [lane for lane in LANES if lane.tls]
    params = []
    for lane in lanes:
        gap = KNOWN_GAPS.get((lane.transport, lane.version, metafunc.function.__name__))
        fails = pytest.mark.xfail(reason=gap or "", strict=True, raises=(AssertionError, TransportError, TimeoutError))
        params.append(pytest.param(lane, id=str(lane), marks=[fails] if gap else []))
    metafunc.parametrize("lane", params)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "http1_only: a contract test that makes sense over HTTP/1.1 alone")
    config.addinivalue_line("markers", "http2_only: a contract test that makes sense over HTTP/2 alone")
    config.addinivalue_line("markers", "tls_only: a contract test that makes sense over TLS alone")
    config.addinivalue_line("markers", "proxied_only: a contract test for the lanes that a proxy can carry")
