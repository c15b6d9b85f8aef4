"""``tsmon-agent token`` and ``tsmon-agent audit``, on every database."""

import json
from typing import Any

import pytest

from tests.tsmon_agent.shell import Shell
from tsmon_agent.auth import find_token_holder
from tsmon_agent.state import Database

SHOWN_ONCE = "the token ops is shown only this once"


def test_a_token_is_printed_alone_and_is_valid(run: Any, state_url: str) -> None:
    ran = run("token", "create", "ops", "--role", "operate", "-r", "write", "--expires", "90d")
    assert ran.code == 0
    assert SHOWN_ONCE in ran.err
    secret = ran.out.removesuffix("\n")
    with Database(state_url) as database:
        held = database.run(lambda s: find_token_holder(s, secret, 1))
    assert held is not None
    assert (held.name, held.roles) == ("ops", {"operate", "write"})


def test_the_list_says_all_but_the_secret(run: Any) -> None:
    secret = run("token", "create", "ops").out.strip()
    ran = run("token", "list")
    assert ran.out.split("\n")[1].split()[:2] == ["ops", "see"]
    (one,) = json.loads(run("token", "list", "--json").out)
    assert (one["name"], one["roles"], one["expires"], one["last_used"]) == ("ops", ["see"], None, None)
    assert secret not in ran.out
    assert secret not in run("token", "list", "--json").out + run("audit", "--json").out


def test_rotate_and_revoke(run: Any, state_url: str) -> None:
    old = run("token", "create", "ops", "--expires", "2100-01-01").out.strip()
    new = run("token", "rotate", "ops", "--expires", "forever").out.strip()
    with Database(state_url) as database:
        good = [database.run(lambda s, one=one: find_token_holder(s, one, 1)) is not None for one in (old, new)]
    assert good == [False, True]
    assert json.loads(run("token", "list", "--json").out)[0]["expires"] is None
    assert run("token", "revoke", "ops", typed="n\n").code == 1
    assert run("token", "revoke", "ops", typed="y\n").code == 0
    assert run("token", "list").out.startswith("there are no tokens; create one with")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("create x -r root", "there is no role 'root'; there are see, write, operate, administer"),
        ("create x --expires soon", "--expires 'soon' is neither a lifetime, such as 90d, nor a time in ISO 8601"),
        ("create x --expires 2001-01-01", "the token would have expired already; give a later end"),
        ("rotate none", "there is no token 'none'; see tsmon-agent token list"),
        ("revoke none -y", "there is no token 'none'; see tsmon-agent token list"),
    ],
)
def test_mistakes_are_one_sentence_and_change_nothing(run: Any, arguments: str, sentence: str) -> None:
    assert run("token", *arguments.split()).mistake == sentence
    assert run("token", "list", "--json").out == "[]\n"
    assert run("audit").out == "nothing has been changed yet\n"


def test_every_change_by_a_command_is_in_the_audit(run: Any, agent: Shell) -> None:
    (agent.directory / "e.csv").write_text("GP03,streamed,ctd\n")
    for command in (
        "streams load e.csv",
        "streams load e.csv --dry-run",
        "streams disable GP03",
        "streams enable GP03 streamed",
        "deployments add GP03 1 2024-01-01",
        "deployments end GP03 --at 2024-02-01",
        "deployments remove GP03 1 --yes",
        "streams remove GP03 streamed ctd --yes",
        "token create ops",
    ):
        assert run(*command.split()).code == 0
    found = json.loads(run("audit", "--json").out)
    assert [(one["action"], one["target"]) for one in reversed(found)] == [
        ("load streams", None),
        ("disable streams", "GP03"),
        ("enable streams", "GP03 streamed"),
        ("add a deployment", "GP03 1"),
        ("end a deployment", "GP03"),
        ("remove a deployment", "GP03 1"),
        ("remove streams", "GP03 streamed ctd"),
        ("create a token", "ops"),
    ]
    assert all(one["who"].endswith(" (command)") and one["outcome"] == "done" for one in found)
    assert len(run("audit", "-n", "2").out.splitlines()) == 3
