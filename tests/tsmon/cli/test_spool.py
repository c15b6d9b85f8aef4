"""``tsmon spool``: what people see of the spool, and may do with it."""

import json
from pathlib import Path

import pytest

from tests.services.influxdb import InfluxDB
from tests.services.points import stored
from tests.tsmon.cli.test_commands import Shell
from tsmon.spool import Destination, Spool


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, capsys, monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def environment(influxdb: InfluxDB, bucket: str, root: Path) -> dict[str, str]:
    options = {
        "url": influxdb.url,
        "organization": influxdb.org,
        "bucket": bucket,
        "token": influxdb.token,
        "spool_directory": str(root),
    }
    return {f"TSMON_MONITORING__{key.upper()}": value for key, value in options.items()}


def filled(root: Path, influxdb: InfluxDB, bucket: str, *numbers: int) -> Spool:
    spool = Spool(root, Destination(influxdb.url, influxdb.org, bucket), max_bytes=1_000_000)
    # Not opened: that would adopt what other spools of the test have left.
    spool.directory.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        spool.append(b'numbered n=%di,text="\x1b[2J" %d' % (number, number + 1), 1)
    return spool


def test_an_empty_spool_says_so(shell: Shell, environment: dict[str, str], root: Path) -> None:
    assert shell("spool", "list", **environment).out == f"nothing waits in {root}\n"
    assert json.loads(shell("spool", "list", "--json", **environment).out)["queues"] == []


def test_names_of_files_command_no_terminal(shell: Shell, environment: dict[str, str], root: Path) -> None:
    """Here of a file in which points are that the server refused."""
    file = root / "dead_letters" / "x\x9b2J\u202ey\n.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("")
    told = shell("spool", "list", **environment).out
    assert told.endswith(f"the server's reasons: {file.parent}/x\\x9b2J\\u202ey\\n.jsonl\n")
    answer = shell("spool", "list", "--json", **environment).out
    assert "x\\u009b2J\\u202ey\\n.jsonl" in answer
    assert json.loads(answer)["dead_letters"] == [str(file)]


def test_queues_are_listed_with_whom_they_are_for_and_whose_they_are(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB, bucket: str
) -> None:
    filled(root, influxdb, bucket, 1, 2).close()
    running = filled(root, influxdb, "other", 3)
    found = shell("spool", "list", **environment)
    assert found.code == 0
    lines = [line for line in found.out.splitlines() if line.strip()]
    assert sorted(lines[::3]) == sorted(
        f"for {influxdb.url}, organization {influxdb.org!r}, bucket {name!r}" for name in (bucket, "other")
    )
    assert lines[1].split() == lines[4].split() == ["queue", "process", "points", "bytes", "since"]
    words = {line.split()[1]: line.split() for line in lines[2::3]}
    assert (words["runs"][2], words["has"][3]) == ("1", "2")
    queues = {
        queue["bucket"]: queue
        for queue in json.loads(shell("spool", "list", "--json", **environment).out)["queues"]
    }
    assert queues[bucket].items() >= {"owned": False, "points": 2, "url": influxdb.url, "damage": []}.items()
    assert queues["other"].items() >= {"owned": True, "points": 1}.items()
    running.close()


def test_points_are_shown_as_they_are(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB, bucket: str
) -> None:
    filled(root, influxdb, bucket, 1, 2).close()
    [queue] = json.loads(shell("spool", "list", "--json", **environment).out)["queues"]
    expected = 'numbered n=1i,text="\x1b[2J" 2\nnumbered n=2i,text="\x1b[2J" 3\n'
    assert shell("spool", "show", queue["name"], **environment).out == expected
    assert shell("spool", "show", queue["name"][:-3], **environment).out == expected
    assert shell("spool", "show", queue["files"][0], **environment).out == expected


def test_damage_is_named_behind_what_is_sound(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB, bucket: str
) -> None:
    filled(root, influxdb, bucket, 1, 2).close()
    [file] = root.rglob("*.seg")
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    shown = shell("spool", "show", str(file), **environment)
    assert (shown.code, shown.out.count("numbered")) == (1, 1)
    assert "damaged record" in shown.err
    assert "Traceback" not in shown.err
    file.write_bytes(b"nonsense")
    assert "does not begin as a segment" in shell("spool", "list", **environment).out


def test_replay_sends_what_ended_processes_left(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB, bucket: str
) -> None:
    filled(root, influxdb, bucket, 1, 2, 3).close()
    filled(root, influxdb, bucket, 4).close()
    running = filled(root, influxdb, bucket, 5)
    done = shell("spool", "replay", **environment)
    assert done.code == 0
    assert done.out.startswith("4 points were written to InfluxDB at")
    assert stored(influxdb, bucket) == [1, 2, 3, 4]
    assert running.lines == 1
    running.close()
    assert shell("spool", "replay", **environment).out.startswith("1 points were written")
    assert shell("spool", "replay", **environment).out.startswith("0 points were written")
    assert stored(influxdb, bucket) == [1, 2, 3, 4, 5]


def test_replay_to_a_server_that_is_away_keeps_everything(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB, bucket: str
) -> None:
    away = Spool(root, Destination("http://127.0.0.1:1", influxdb.org, bucket), max_bytes=1_000_000)
    away.directory.mkdir(parents=True)
    away.append(b"numbered n=1i 1", 1)
    away.close()
    done = shell(
        "spool", "replay", "--timeout", "0.3", **environment | {"TSMON_MONITORING__URL": "http://127.0.0.1:1"}
    )
    assert done.code == 1
    assert "1 points still wait: InfluxDB at http://127.0.0.1:1" in done.err
    assert len(list(root.rglob("*.seg"))) == 1


def test_drop_deletes_what_is_named_and_asks_before(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB, bucket: str
) -> None:
    filled(root, influxdb, bucket, 1, 2).close()
    running = filled(root, influxdb, bucket, 3)
    queues = json.loads(shell("spool", "list", "--json", **environment).out)["queues"]
    [ended], [owned] = ([queue["name"] for queue in queues if queue["owned"] is state] for state in (False, True))
    assert shell("spool", "drop", ended, text=b"n\n", **environment).code == 1
    assert len(list(root.rglob("*.seg"))) == 2
    assert "belongs to a running process" in shell("spool", "drop", owned, "--yes", **environment).mistake
    assert shell("spool", "drop", ended, "--yes", **environment).out == "2 points were deleted\n"
    assert shell("spool", "drop", "--all", "--yes", **environment).out == "0 points were deleted\n"
    assert len(list(root.rglob("*.seg"))) == 1
    running.close()
    assert shell("spool", "drop", "--all", "--yes", **environment).out == "1 points were deleted\n"
    assert list(root.iterdir()) == []


def test_mistakes_are_one_sentence(shell: Shell, environment: dict[str, str]) -> None:
    assert "no queue is named" in shell("spool", "drop", **environment).mistake
    assert "no queue has this name" in shell("spool", "show", "nonsense", **environment).mistake
    assert "cannot be read" in shell("spool", "show", "absent.seg", **environment).mistake
    assert "name no InfluxDB server" in shell("spool", "replay").mistake


def test_a_queue_for_another_address_is_sent_where_the_settings_say(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB, bucket: str
) -> None:
    for url, organization, number in (("http://localhost:8086", "", 1), (influxdb.url, "", 2)):
        spool = Spool(root, Destination(url, organization, bucket), max_bytes=1_000_000)
        spool.append(b"numbered n=%di %d" % (number, number), 1)
        spool.append(b"numbered n=%di %d" % (number + 10, number + 10), 1)
        spool.close()
    assert "0 points were written" in shell("spool", "replay", **environment).out
    queues = json.loads(shell("spool", "list", "--json", **environment).out)["queues"]
    assert [queue["points"] for queue in queues] == [2, 2]
    names = [queue["name"] for queue in queues]
    assert "4 points were written" in shell("spool", "replay", *names, **environment).out
    assert stored(influxdb, bucket) == [1, 2, 11, 12]
    assert shell("spool", "list", **environment).out == f"nothing waits in {root}\n"


def test_a_queue_that_is_in_use_or_damaged_is_not_readdressed(
    shell: Shell, environment: dict[str, str], root: Path, influxdb: InfluxDB
) -> None:
    running = filled(root, influxdb, "other", 3)
    [queue] = json.loads(shell("spool", "list", "--json", **environment).out)["queues"]
    told = shell("spool", "replay", queue["name"], **environment)
    assert (told.code, "belongs to a running process" in told.err) == (1, True)
    running.close()
    file = Path(queue["files"][0])
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    told = shell("spool", "replay", queue["name"], **environment)
    assert told.code == 1
    assert "has a damaged record" in told.err
    assert file.exists()
