"""Names that queries are made of come from the classes, or there is no query."""

import pytest

from tsmon.errors import DeclarationError
from tsmon.points import Request, SubtaskError
from tsmon.points.host import Cpu, HostPoint, Swap
from tsmon_agent.dashboards.columns import field, label, measurement, tag
from tsmon_agent.dashboards.flux import read


def test_names_are_those_that_are_written() -> None:
    assert measurement(Cpu) == "cpu"
    assert tag(Cpu, "cpu") == "cpu"
    assert field(Swap, "swapped_in") == "in"
    assert label(Request, "service") == "${__field.labels.service}"


def test_what_is_tag_and_field_is_both() -> None:
    assert tag(SubtaskError, "error_code") == field(SubtaskError, "error_code") == "error_code"


@pytest.mark.parametrize(
    ("role", "attribute"), [(tag, "usage_user"), (field, "cpu"), (field, "usage"), (tag, "time")]
)
def test_what_a_class_does_not_declare_fails(role: object, attribute: str) -> None:
    with pytest.raises(DeclarationError, match=rf"Cpu declares no \w+ '{attribute}'; it has .*"):
        role(Cpu, attribute)  # type: ignore[operator]


def test_a_class_without_a_measurement_fails() -> None:
    with pytest.raises(DeclarationError, match="HostPoint has no measurement"):
        measurement(HostPoint)


def test_a_renamed_column_stops_the_query_that_names_it() -> None:
    with pytest.raises(DeclarationError, match="'usage_busy'"):
        read(Cpu, "usage_busy", where={})
    with pytest.raises(DeclarationError, match="'node'"):
        read(Cpu, "usage_user", where={"node": '== "n"'})
