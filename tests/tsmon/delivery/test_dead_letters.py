import logging
import multiprocessing
from pathlib import Path

import msgspec
import pytest

from tsmon.delivery.dead_letters import DeadLetter, DeadLetterFile


def kept(path: Path) -> list[DeadLetter]:
    return [msgspec.json.decode(one, type=DeadLetter) for one in path.read_bytes().splitlines()]


def test_each_line_is_kept_with_the_reason_and_the_time(tmp_path: Path) -> None:
    path = tmp_path / "below" / "dead_letters.jsonl"
    DeadLetterFile(path, 10_000).keep(['a v="1\n2"', "b v=2 7"], "no such luck")
    first, second = kept(path)
    assert (first.line, second.line) == ('a v="1\n2"', "b v=2 7")
    assert first.reason == second.reason == "no such luck"
    assert first.time.endswith("Z")
    assert path.stat().st_mode & 0o777 == 0o600


def test_bytes_that_are_no_text_stay_readable(tmp_path: Path) -> None:
    path = tmp_path / "dead_letters.jsonl"
    DeadLetterFile(path, 10_000).keep([b"a v=\xff1".decode(errors="surrogateescape")], "no")
    assert kept(path)[0].line == "a v=\\udcff1"


def test_two_files_of_the_bound_are_the_most_there_is(tmp_path: Path) -> None:
    path = tmp_path / "dead_letters.jsonl"
    dead_letters = DeadLetterFile(path, 2_000)
    for number in range(100):
        dead_letters.keep([f"a v={number}"], "no")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["dead_letters.jsonl", "dead_letters.jsonl.1"]
    assert all(file.stat().st_size <= 2_000 for file in tmp_path.iterdir())
    assert kept(path)[-1].line == "a v=99"
    assert [one.line for one in [*kept(tmp_path / "dead_letters.jsonl.1"), *kept(path)]] == [
        f"a v={number}"
        for number in range(100 - len(kept(tmp_path / "dead_letters.jsonl.1")) - len(kept(path)), 100)
    ]


def test_it_is_logged_when_old_ones_make_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letters = DeadLetterFile(tmp_path / "dead.jsonl", 200)
    for number in range(4):
        letters.keep([f"m v={number} 1" * 10], "conflict")
    [logged] = caplog.messages
    assert "bytes of dead letters, the newest of 20" in logged
    assert logged.endswith("dead.jsonl.1, since newer ones fill monitoring.dead_letter_bytes")


def test_with_a_bound_of_nothing_nothing_is_kept(tmp_path: Path) -> None:
    DeadLetterFile(tmp_path / "dead_letters.jsonl", 0).keep(["a v=1"], "no")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_logged_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    DeadLetterFile(tmp_path / "file" / "dead_letters.jsonl", 1_000).keep(["a v=1"], "no")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "cannot be kept" in caplog.text


def _keep_many(path: Path, first: int) -> None:
    dead_letters = DeadLetterFile(path, 1_000_000)
    for number in range(first, first + 200):
        dead_letters.keep([f"a v={number}"], "no")


def test_processes_write_one_file_without_tearing_lines(tmp_path: Path) -> None:
    path = tmp_path / "dead_letters.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_keep_many, args=(path, 1_000 * n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert sorted(one.line for one in kept(path)) == sorted(
        f"a v={number}" for n in range(3) for number in range(1_000 * n, 1_000 * n + 200)
    )
