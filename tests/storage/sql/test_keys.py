"""Keys: only hashes are stored, a revocation stays, and every change moves the version that the mirror watches."""

from sqlalchemy import Engine, text

from fastgw import apikey
from fastgw.limits import Limits
from fastgw.storage.sql.keys import Keys


def test_a_key_comes_back_as_it_was_made_and_is_nowhere_in_the_table(engine: Engine) -> None:
    keys = Keys(engine)
    key = apikey.mint()
    made = keys.create(
        key,
        name="Zoë's laptop",
        now_ms=5,
        limits=Limits(requests_per_min=60, concurrency=2),
        models=("openai/*", "gpt-4o"),
        ips=("10.0.0.0/8",),
        expires_at_s=2**40,
    )
    assert keys.get(made.id) == made
    assert keys.all() == [made]
    principal = made.principal()
    assert keys.principals() == [principal]
    assert principal.digest == apikey.digest(key)
    assert (principal.epoch, principal.disabled, principal.limits.concurrency) == (1, False, 2)
    assert principal.models == ("openai/*", "gpt-4o") and principal.ips == ("10.0.0.0/8",)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM api_keys")).one()
    assert key[len(apikey.DEFAULT_PREFIX) : -4] not in repr(row)


def test_revoking_is_for_good_and_counts_once(engine: Engine) -> None:
    keys = Keys(engine)
    made = keys.create(apikey.mint(), name="a", now_ms=1)
    before = keys.version()
    revoked = keys.revoke(made.id, 7)
    assert revoked is not None
    assert (revoked.revoked_at_ms, revoked.epoch, revoked.principal().disabled) == (7, 2, True)
    assert keys.version() == before + 1
    assert keys.revoke(made.id, 9) == revoked
    assert keys.version() == before + 1
    assert keys.principals()[0].disabled


def test_an_unknown_key_is_none(engine: Engine) -> None:
    keys = Keys(engine)
    assert keys.get("key_none") is None
    assert keys.revoke("key_none", 1) is None
    assert keys.version() == 0
    keys.create(apikey.mint(), name="a", now_ms=1)
    assert keys.version() == 1
