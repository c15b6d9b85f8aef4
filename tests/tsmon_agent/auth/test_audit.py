"""The audit in each database."""

import pytest

from tsmon_agent.auth import REFUSED, Actor, audit_entry_to_json, current_user, query_audit, record_audit
from tsmon_agent.state import Database

ME = Actor("ops", "192.0.2.7")
NOW = 1_700_000_000_000_000_007


def test_an_entry_says_who_did_what_from_where_and_how_it_ended(database: Database) -> None:
    database.run(
        lambda s: record_audit(s, ME, "enable", "GP03 ctd", outcome=REFUSED, detail={"why": "no"}, now_ns=NOW)
    )
    assert [audit_entry_to_json(one) for one in database.run(lambda s: query_audit(s, most=5))] == [
        {
            "number": 1,
            "time": "2023-11-14T22:13:20.000000007Z",
            "who": "ops",
            "address": "192.0.2.7",
            "action": "enable",
            "target": "GP03 ctd",
            "outcome": "refused",
            "detail": {"why": "no"},
        }
    ]


def test_the_newest_come_first_page_by_page_and_by_who_and_what(database: Database) -> None:
    for number in range(5):
        database.run(lambda s, n=number: record_audit(s, Actor(f"who{n % 2}"), "do", f"t{n % 3}"))
    numbers = [
        database.run(lambda s, o=options: [one.id for one in query_audit(s, **o)])
        for options in (
            {"most": 2},
            {"most": 9, "before": 3},
            {"most": 9, "who": "who1"},
            {"most": 9, "target": "t0"},
        )
    ]
    assert numbers == [[5, 4], [2, 1], [4, 2], [4, 1]]


def test_a_change_that_fails_leaves_no_entry(database: Database) -> None:
    def change(session: object) -> None:
        record_audit(session, ME, "break")  # type: ignore[arg-type]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run(change)
    assert database.run(lambda s: query_audit(s, most=5)) == []


def test_a_user_without_a_name_is_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_294_000_000)
    assert current_user() == Actor("somebody (command)")
