"""What roles allow."""

import pytest

from tsmon_agent.auth import Role, is_allowed
from tsmon_agent.auth.roles import parse_roles


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("see", {"see"}),
        ("write", {"write"}),
        ("operate", {"see", "operate"}),
        ("administer", {"see", "write", "operate", "administer"}),
    ],
)
def test_each_role_allows_itself_and_what_it_includes(role: str, allowed: set[str]) -> None:
    assert {one.value for one in Role if is_allowed(parse_roles([role]), one)} == allowed


def test_without_a_role_and_with_unknown_roles_nothing_is_allowed() -> None:
    assert not any(is_allowed(parse_roles(["root", ""]), one) for one in Role)


def test_several_roles_allow_what_any_of_them_does() -> None:
    assert [one.value for one in Role if is_allowed(parse_roles(["see", "write"]), one)] == ["see", "write"]
