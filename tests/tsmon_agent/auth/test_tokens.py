"""Tokens and sign-ins in each database."""

import pytest
from sqlalchemy import select, text

from tsmon.errors import AccessError, StateConflictError, UnknownNameError
from tsmon_agent.auth import (
    Holder,
    Role,
    begin_sign_in,
    count_usable_tokens,
    create_token,
    end_sign_in,
    find_sign_in_holder,
    find_token_holder,
    query_tokens,
    revoke_token,
    rotate_token,
)
from tsmon_agent.state import Database, SignIn, Token

NOW = 1_700_000_000_000_000_000
DAY = 86_400_000_000_000


def made(database: Database, name: str = "ops", *, expires_ns: int | None = None) -> str:
    return database.run(
        lambda s: create_token(s, name, [Role.OPERATE, Role.WRITE], now_ns=NOW, expires_ns=expires_ns)
    )


def holder(database: Database, secret: str, now_ns: int = NOW) -> Holder | None:
    return database.run(lambda s: find_token_holder(s, secret, now_ns))


def signed_in(database: Database, secret: str, now_ns: int = NOW) -> Holder | None:
    return database.run(lambda s: find_sign_in_holder(s, secret, now_ns))


def test_the_holder_of_a_token_is_found_by_its_secret_alone(database: Database) -> None:
    secret = made(database)
    found = holder(database, secret)
    assert found is not None
    assert (found.name, found.roles, found.expires_ns) == ("ops", {Role.OPERATE, Role.WRITE}, None)
    for wrong in ("", "ops", secret[:-1], secret + "x", secret.upper(), secret.removeprefix("tsmon_"), "\udc80"):
        assert holder(database, wrong) is None
    assert secret.startswith("tsmon_")
    assert made(database, "other") != secret


def test_the_secret_is_nowhere_in_the_database(database: Database) -> None:
    secret = made(database)
    stored = database.run(lambda s: str(s.execute(text("SELECT * FROM tokens")).all()))
    assert secret not in stored
    assert secret.removeprefix("tsmon_") not in stored


def test_a_token_is_valid_until_it_expires(database: Database) -> None:
    secret = made(database, expires_ns=NOW + DAY)
    assert holder(database, secret, NOW + DAY - 1) is not None
    assert holder(database, secret, NOW + DAY) is None
    assert database.run(lambda s: (count_usable_tokens(s, NOW), count_usable_tokens(s, NOW + DAY))) == (1, 0)


def test_a_revoked_token_is_invalid(database: Database) -> None:
    secret = made(database)
    database.run(lambda s: revoke_token(s, "ops"))
    assert holder(database, secret) is None
    assert database.run(query_tokens) == []


def test_after_a_rotation_only_the_new_secret_is_valid_as_long_as_before(database: Database) -> None:
    old = made(database, expires_ns=NOW + DAY)
    new = database.run(lambda s: rotate_token(s, "ops", now_ns=NOW + 10 * DAY))
    assert holder(database, old) is None
    found = holder(database, new)
    assert found is not None
    assert (found.roles, found.expires_ns) == ({Role.OPERATE, Role.WRITE}, NOW + 11 * DAY)
    forever = database.run(lambda s: rotate_token(s, "ops", now_ns=NOW, expires_ns=None))
    assert holder(database, forever, NOW + 1000 * DAY) is not None


def test_last_use_is_known_to_the_minute(database: Database) -> None:
    secret = made(database)
    used = []
    for now_ns in (NOW, NOW + 59_999_999_999, NOW + 60_000_000_000):
        holder(database, secret, now_ns)
        used.append(database.run(lambda s: s.scalars(select(Token.last_used_ns)).one()))
    assert used == [NOW, NOW, NOW + 60_000_000_000]


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 256])
def test_names_that_no_token_can_have(database: Database, name: str) -> None:
    with pytest.raises(AccessError, match="the token's name "):
        made(database, name)


def test_mistakes(database: Database) -> None:
    made(database)
    with pytest.raises(StateConflictError, match="there is a token ops already"):
        made(database)
    with pytest.raises(AccessError, match="would have no role"):
        database.run(lambda s: create_token(s, "x", [], now_ns=NOW))
    with pytest.raises(AccessError, match="would have expired already"):
        made(database, "x", expires_ns=NOW)
    for change in (revoke_token, lambda s, name: rotate_token(s, name, now_ns=NOW)):
        with pytest.raises(UnknownNameError, match="there is no token 'none'; see tsmon-agent token list"):
            database.run(lambda s, change=change: change(s, "none"))


class TestSignIns:
    @pytest.fixture
    def token(self, database: Database) -> Holder:
        found = holder(database, made(database, expires_ns=NOW + 10 * DAY))
        assert found is not None
        return found

    def begin(self, database: Database, token: Holder, lifetime_ns: int = DAY, now_ns: int = NOW) -> str:
        return database.run(lambda s: begin_sign_in(s, token, now_ns=now_ns, lifetime_ns=lifetime_ns))

    def test_lasts_its_time_and_never_longer_than_its_token(self, database: Database, token: Holder) -> None:
        short, long = self.begin(database, token), self.begin(database, token, 100 * DAY)
        for secret, end_ns in ((short, NOW + DAY), (long, NOW + 10 * DAY)):
            found = signed_in(database, secret, end_ns - 1)
            assert found is not None
            assert (found.name, found.roles, found.expires_ns) == ("ops", token.roles, end_ns)
            assert signed_in(database, secret, end_ns) is None

    def test_a_sign_in_is_not_a_token_nor_the_reverse(self, database: Database, token: Holder) -> None:
        assert holder(database, self.begin(database, token)) is None
        assert signed_in(database, made(database, "other")) is None

    def test_its_secret_is_not_stored(self, database: Database, token: Holder) -> None:
        secret = self.begin(database, token)
        assert secret not in database.run(lambda s: str(s.execute(text("SELECT * FROM sign_ins")).all()))

    def test_ends_alone(self, database: Database, token: Holder) -> None:
        one, other = self.begin(database, token), self.begin(database, token)
        database.run(lambda s: end_sign_in(s, one))
        assert signed_in(database, one) is None
        assert signed_in(database, other) is not None

    @pytest.mark.parametrize("how", ["revoke", "rotate"])
    def test_ends_with_its_token(self, database: Database, token: Holder, how: str) -> None:
        secret = self.begin(database, token)
        if how == "revoke":
            database.run(lambda s: revoke_token(s, "ops"))
        else:
            database.run(lambda s: rotate_token(s, "ops", now_ns=NOW))
        assert signed_in(database, secret) is None

    def test_expired_sign_ins_are_deleted(self, database: Database, token: Holder) -> None:
        self.begin(database, token)
        self.begin(database, token, now_ns=NOW + 2 * DAY)
        assert len(database.run(lambda s: s.scalars(select(SignIn)).all())) == 1
