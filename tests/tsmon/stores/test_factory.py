"""Which store the settings mean; stores are known by their entry points."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from tests.services.every_store import STORES
from tsmon import Monitor, SettingsError
from tsmon.settings import MonitoringSettings, load_settings
from tsmon.store_names import BUILT_IN
from tsmon.stores.factory import store_from, store_key
from tsmon.stores.influxdb import InfluxStore
from tsmon.stores.memory import MemoryStore
from tsmon.stores.registry import load_store_class
from tsmon.stores.sqlite import SqliteStore


def settings(**keys: Any) -> MonitoringSettings:
    return MonitoringSettings.model_validate(keys)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, False),
        ({"service": "s", "flushing_period": 2.0}, False),
        ({"url": "http://localhost"}, True),
        ({"token": "t"}, True),
        ({"store": "influxdb"}, True),
        ({"store": "sqlite", "url": "http://localhost"}, False),
    ],
)
def test_a_server_is_meant_as_soon_as_one_of_its_keys_is_set(keys: dict[str, Any], expected: bool) -> None:
    assert isinstance(store_from(settings(**keys), embedded=True), InfluxStore) is expected


def test_each_store_is_built_by_its_name() -> None:
    assert isinstance(store_from(settings(store="influxdb")), InfluxStore)
    assert isinstance(store_from(settings(store="sqlite")), SqliteStore)
    assert isinstance(store_from(settings(store="memory")), MemoryStore)


def test_a_library_without_a_store_says_what_to_set() -> None:
    with pytest.raises(
        SettingsError, match=r"no store is set; set monitoring\.url, bucket and token in tsmon\.toml"
    ):
        store_from(settings())


def test_equal_keys_need_no_new_store() -> None:
    assert store_key(settings()) == store_key(settings())
    assert store_key(settings()) != store_key(settings(token="t"))
    assert store_key(settings(token="t")) == store_key(settings(token="t", flushing_period=5.0))
    assert store_key(settings(token="t")) != store_key(settings(token="t", timeout=5.0))
    assert store_key(settings(store="memory")) == store_key(settings(store="memory", file=Path("a.db")))


def test_keys_of_a_server_do_not_change_which_embedded_file_is_meant() -> None:
    """Else a reload would open the file a second time, which its lock refuses."""
    embedded = store_key(settings(file=Path("a.db")))
    assert store_key(settings(file=Path("a.db"), timeout=5.0, store="sqlite")) == embedded
    assert store_key(settings(file=Path("b.db"))) != embedded


def test_every_registered_store_passes_the_contract_tests() -> None:
    assert entry_points(group="tsmon.stores").names == set(STORES)
    assert set(BUILT_IN) == set(STORES)


def test_every_registered_name_may_be_set_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    for name in ("auto", *STORES):
        file.write_text(f'[monitoring]\nstore = "{name}"\n')
        assert load_settings(file).monitoring.store == name
    file.write_text('[monitoring]\nstore = "postgres"\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    reason = "'postgres' is not a store; there are auto, influxdb, memory, sqlite"
    assert str(caught.value) == f"{file}:2: monitoring.store: {reason}"
    file.write_text('[monitoring]\nstore = "influx"\n')
    with pytest.raises(SettingsError, match="'influx' is not a store; did you mean influxdb\\?"):
        load_settings(file)


OWN = """
from tsmon.stores.memory import MemoryStore

class Mine(MemoryStore):
    @classmethod
    def from_settings(cls, settings, *, tiers=None):
        mine = cls()
        mine.bucket = settings.bucket
        return mine

    @classmethod
    def settings_key(cls, settings):
        return (settings.bucket,)

not_a_store = 5
"""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package, unknown to tsmon, with stores of its own."""
    packages = tmp_path / "packages"
    info = packages / "mine-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tsmon.stores]\nmine = own_store_of_a_test:Mine\nbroken = own_store_of_a_test.missing:Mine\n"
        "odd = own_store_of_a_test:not_a_store\n"
    )
    (packages / "own_store_of_a_test.py").write_text(OWN)
    monkeypatch.syspath_prepend(packages)
    return tmp_path


async def test_a_store_of_ones_own_is_a_package_with_an_entry_point(
    distribution: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.services.points import Numbered
    from tsmon.stores import Selector

    (distribution / "tsmon.toml").write_text('[monitoring]\nstore = "mine"\nbucket = "b"\n')
    monkeypatch.chdir(distribution)
    async with Monitor(service="s") as monitor:
        monitor.emit(Numbered(n=7))
        await monitor.flush()
        assert type(monitor.store).__name__ == "Mine"
        assert monitor.store.bucket == "b"
        [newest] = await monitor.store.newest(Selector("numbered", "n"))
    assert newest.value == 7
    assert store_key(settings(store="mine", bucket="b")) == ("mine", "b")


def test_a_registered_store_that_cannot_be_imported_is_one_sentence(distribution: Path) -> None:
    reason = (
        r"^the store 'broken' cannot be imported from own_store_of_a_test\.missing:Mine "
        r"\(the module own_store_of_a_test\.missing is not installed\); "
    )
    with pytest.raises(SettingsError, match=reason):
        store_from(settings(store="broken"))
    with pytest.raises(
        SettingsError, match=r"^the store 'odd' is registered as .*:not_a_store, which is no subclass"
    ):
        store_from(settings(store="odd"))
    with pytest.raises(SettingsError, match=r"^there is no store 'gone'; install the package that provides it$"):
        load_store_class("gone")


def test_a_registered_store_that_cannot_be_imported_breaks_nobody_who_does_not_use_it(
    distribution: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(store_from(settings(url="http://localhost")), InfluxStore)
    assert isinstance(store_from(settings(), embedded=True), SqliteStore)
    assert {record.message.split(" is ")[0].split(" cannot ")[0] for record in caplog.records} == {
        "the store 'broken'",
        "the store 'odd'",
    }


def test_a_store_that_a_key_names_is_chosen_without_importing_any_other(
    distribution: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither another one of tsmon's own nor those of other packages."""
    program = f"""
import sys
sys.path.insert(0, {str(distribution / "packages")!r})
from tsmon import Monitor
from tsmon.settings import MonitoringSettings
def imported(): return sorted(n for n in sys.modules if n in ("sqlite3", "own_store_of_a_test", "aiohttp")
    or n in ("tsmon.stores.sqlite", "tsmon.stores.influxdb", "tsmon.stores.memory"))
Monitor(MonitoringSettings(url="http://localhost:1", spool="off"), service="s")
print(imported())
for name in imported(): del sys.modules[name]
Monitor(MonitoringSettings(store="sqlite", file="a.db"), service="s")
print(imported())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["['tsmon.stores.influxdb']", "['sqlite3', 'tsmon.stores.sqlite']"]
