"""Calls to a provider's API: what they send, and every way in which they fail."""

import pytest

from fastgw.controlplane.payments import line
from fastgw.controlplane.payments.line import ANSWER_BYTES_MAX, Line, word
from fastgw.controlplane.payments.provider import ProviderFailed
from tests.fakes.till import Asked, Reply, Till


class Echo(Till):
    """Answers with what it was asked."""

    def serve(self, asked: Asked) -> Reply:
        return 200, {"path": asked.path, "body": asked.body.decode()}


async def test_segments_of_a_path_cannot_leave_it() -> None:
    with Echo() as echo:
        api = Line(echo.url + "/base/", {"authorization": "Bearer secret"})
        await api.get("v1", "../../x?y=1#z")
        answer = await api.post("v1", "things", body=b"a=1", media_type="text/plain", headers={"idempotency-key": "k"})
        assert b"a=1" in answer
        first, second = echo.asked
    assert first.path == "/base/v1/..%2F..%2Fx%3Fy%3D1%23z"
    assert (second.path, second.headers["idempotency-key"]) == ("/base/v1/things", "k")
    assert first.headers["authorization"] == second.headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("trouble", "again"),
    [
        ((500, {}), True),
        ((429, {}), True),
        ((409, {}), True),
        ((401, {}), False),
        ((404, {}), False),
        ((302, {}), False),
        (None, True),
        ((200, b"x" * (ANSWER_BYTES_MAX + 1)), False),
    ],
)
async def test_failures_say_whether_a_later_try_may_help(trouble: Reply | None, again: bool) -> None:
    with Echo() as echo:
        echo.troubles.append(trouble)
        with pytest.raises(ProviderFailed) as failed:
            await Line(echo.url, {"authorization": "Bearer secret"}).get("v1", "x")
        assert failed.value.again is again
        assert "secret" not in str(failed.value)
        # A redirect is not followed: whoever asks must not be told to others.
        assert len(echo.asked) == 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"error": {"type": "card_error", "code": "amount_too_small", "message": "secret"}}, "400, amount_too_small"),
        ({"error": {"type": "invalid_request_error"}}, "400, invalid_request_error"),
        ({"code": "INVALID_API_KEY", "message": "secret"}, "400, INVALID_API_KEY"),
        ({"error": "no"}, "400"),
        ({"error": {"code": 7}}, "400"),
        (b"<html>secret</html>", "400"),
        (b"[" * 9000, "400"),
    ],
)
async def test_the_providers_word_for_what_is_wrong_is_kept(said: object, shown: str) -> None:
    with Echo() as echo:
        echo.troubles.append((400, said))
        with pytest.raises(ProviderFailed) as failed:
            await Line(echo.url, {}).get("v1", "x")
    assert str(failed.value) == f"it answered {shown}"


async def test_an_api_that_cannot_be_reached_or_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Echo() as echo:
        url = echo.url
    with pytest.raises(ProviderFailed, match="cannot be reached"):
        await Line(url, {}).get("v1")
    monkeypatch.setattr(line, "TOTAL_S", 0.05)

    class Mute(Till):
        def serve(self, asked: Asked) -> Reply:
            done.wait(10)
            return 200, {}

    import threading

    done = threading.Event()
    with Mute() as mute:
        with pytest.raises(ProviderFailed, match=r"no answer|cannot be reached"):
            await Line(mute.url, {}).get("v1")
        done.set()


def test_what_strangers_say_fits_into_a_log() -> None:
    assert word("evt_1\n\x1b[31m é") == "evt_1??[31m ?"
    assert len(word("a" * 1000)) == 100
