from pathlib import Path
from typing import Any

import pytest

from tsmon_agent.host.samplers import SAMPLERS, Options, Sampler
from tsmon_agent.host.samplers.cpu import CpuOptions
from tsmon_agent.host.samplers.disk import DiskOptions
from tsmon_agent.host.samplers.diskio import DiskIOOptions
from tsmon_agent.host.samplers.network import NetworkOptions
from tsmon_agent.host.sampling.from_settings import build_samplers
from tsmon_agent.settings import AgentSettings, SamplerName, Settings
from tsmon_agent.state.location import state_url


def made(**settings: Any) -> dict[str, tuple[Sampler, float]]:
    return {sampler.name: (sampler, every) for sampler, every in build_samplers(AgentSettings(**settings))}


def options(name: str, **settings: Any) -> Options:
    return made(**settings)[name][0].options


def test_by_default_there_are_all_samplers_and_no_other() -> None:
    assert set(made()) == set(SAMPLERS)
    assert list(made()) == list(AgentSettings().samplers)


def test_every_name_that_the_settings_know_is_a_sampler() -> None:
    assert set(SamplerName.__args__) == set(SAMPLERS)  # type: ignore[attr-defined]


def test_only_the_named_ones_once_each_in_their_order() -> None:
    assert [sampler.name for sampler, _ in build_samplers(AgentSettings(samplers=["swap", "cpu", "swap"]))] == [
        "swap",
        "cpu",
    ]
    assert build_samplers(AgentSettings(samplers=[])) == []


def test_host_is_passed_on() -> None:
    assert {sampler.host for sampler, _ in made(host="somewhere").values()} == {"somewhere"}


def test_intervals_single_and_for_all() -> None:
    every = {name: interval_s for name, (_, interval_s) in made(interval=3, intervals={"disk": 60}).items()}
    assert every.pop("disk") == 60
    assert set(every.values()) == {3}


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("cpu", {}, CpuOptions()),
        ("cpu", {"percpu": False}, CpuOptions(percpu=False)),
        ("disk", {}, DiskOptions()),
        ("disk", {"disks": "/, /home"}, DiskOptions(mount_points=("/", "/home"))),
        ("disk", {"disks": []}, DiskOptions(mount_points=())),
        ("disk", {"time_limit": 1.0}, DiskOptions(timeout_s=0.4)),
        ("diskio", {}, DiskIOOptions()),
        ("diskio", {"devices": ["sda"]}, DiskIOOptions(devices=("sda",))),
        ("net", {}, NetworkOptions()),
        ("net", {"interfaces": ["eth*", "lo"]}, NetworkOptions(interfaces=("eth*", "lo"))),
    ],
)
def test_options_are_those_of_the_settings(name: str, settings: dict[str, Any], expected: Options) -> None:
    assert options(name, **settings) == expected


def test_same_settings_make_samplers_that_count_as_the_same() -> None:
    """Else a reload would exchange them all."""
    settings: dict[str, Any] = {"disks": ["/"], "interfaces": ["lo"], "devices": ["sda"], "percpu": False}
    for name in SAMPLERS:
        assert options(name, **settings) == options(name, **settings)


def test_the_state_is_beside_the_embedded_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert state_url(Settings()) == tmp_path / "tsmon" / "state.db"
    assert state_url(Settings(monitoring={"file": "/srv/metrics.db"})) == Path("/srv/state.db")


def test_the_state_by_url_is_a_secret() -> None:
    settings = Settings(state={"url": "postgresql://me:hidden@host/tsmon"})
    assert state_url(settings) == "postgresql://me:hidden@host/tsmon"
    assert "hidden" not in f"{settings} {settings!r} {settings.model_dump()}"
