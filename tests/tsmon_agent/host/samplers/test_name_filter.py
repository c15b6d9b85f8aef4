import logging

import pytest

from tsmon_agent.host.samplers.name_filter import Selection


def test_names_and_patterns_choose() -> None:
    selection = Selection("network interface", ["lo", "eth*", "/mnt/[a]"])
    names = ["lo", "lo1", "eth0", "eth", "Eth0", "/mnt/[a]", "/mnt/a"]
    assert [name for name in names if name in selection] == ["lo", "eth0", "eth", "/mnt/[a]", "/mnt/a"]
    assert [name for name in names if name in selection] == ["lo", "eth0", "eth", "/mnt/[a]", "/mnt/a"]


def test_nothing_configured_chooses_nothing() -> None:
    assert "lo" not in Selection("network interface", [])


def test_what_matches_nothing_is_logged_once_and_found_when_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    selection = Selection("network interface", ["lo", "eth9", "eth9"])
    with caplog.at_level(logging.WARNING):
        assert "lo" in selection
        selection.log_unmatched()
        selection.log_unmatched()
    assert [record.getMessage() for record in caplog.records] == [
        "there is no network interface 'eth9' here; it is ignored until there is"
    ]
    assert "eth9" in selection


def test_names_that_come_and_go_do_not_pile_up() -> None:
    selection = Selection("network interface", ["eth*"])
    for number in range(10_000):
        assert f"veth{number}" not in selection
    assert len(selection._known) <= 4_096
    assert "eth0" in selection
