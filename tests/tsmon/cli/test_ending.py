"""How commands end: one sentence, whatever has failed."""

import io
import sys
from collections.abc import Callable

import pytest

from tsmon.cli.ending import run_command
from tsmon.errors import StoreError


def raising(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (StoreError("a\x1b[2J file is wrong\nand another"), "tsmon: a\\x1b[2J file is wrong\nand another"),
        (
            OSError(28, "No space left on device", "/x"),
            "tsmon: No space left on device: /x; check the disk, the memory",
        ),
        (MemoryError(), "tsmon: there is not enough memory; check the disk"),
        (KeyError("x"), "tsmon: this is a fault in the program, not yours: KeyError: 'x' in test_ending.py, line "),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), "tsmon: this is a fault in the program, not yours: byte"),
    ],
)
def test_a_failure_is_one_sentence(error: BaseException, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSMON_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as ended:
        run_command("tsmon", raising(error))
    assert str(ended.value.code).startswith(sentence)


def test_the_traceback_of_a_fault_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSMON_TRACEBACK", "1")
    with pytest.raises(KeyError):
        run_command("tsmon", raising(KeyError("x")))


def test_ctrl_c_ends_it_as_the_shell_expects() -> None:
    with pytest.raises(SystemExit) as ended:
        run_command("tsmon", raising(KeyboardInterrupt()))
    assert ended.value.code == 130


def test_a_name_that_the_terminal_does_not_have_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii"))
    run_command("tsmon", lambda: print("Nordsee-Süd", flush=True))
    assert written.getvalue() == b"Nordsee-S\\xfcd\n"
