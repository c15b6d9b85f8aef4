"""Type checkers report users' mistakes in their lines, and nothing in correct code."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MARK = re.compile(r"#\s*wrong: ")


def mypy(file: Path, scratch: Path) -> set[int]:
    """Lines with errors."""
    settings = scratch / "mypy.ini"
    settings.write_text("[mypy]\nstrict = true\n")
    command = [sys.executable, "-m", "mypy", f"--config-file={settings}", f"--cache-dir={scratch}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    errors = re.findall(r"^(.+?):(\d+): error: ", done.stdout, re.MULTILINE)
    assert {Path(name).name for name, _ in errors} <= {file.name}, done.stdout
    return {int(line) for _, line in errors}


def pyright(file: Path, scratch: Path) -> set[int]:
    """Lines with errors."""
    settings = scratch / "pyrightconfig.json"
    settings.write_text(json.dumps({"include": [str(file)], "typeCheckingMode": "strict"}))
    command = [sys.executable, "-m", "basedpyright", f"--project={settings}", "--outputjson"]
    done = subprocess.run([*command, "--pythonpath", sys.executable], capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {
        one["range"]["start"]["line"] + 1 for one in found if one["severity"] == "error" and _counts(one["rule"])
    }


def _counts(rule: str) -> bool:
    """Whether a rule is about types; the file of mistakes has expressions that are unused on purpose."""
    return rule != "reportUnusedExpression"


CHECKERS = {"mypy": mypy, "pyright": pyright}


@pytest.mark.parametrize("checker", CHECKERS.values(), ids=CHECKERS)
def test_correct_code_has_no_errors(checker: Callable[[Path, Path], set[int]], tmp_path: Path) -> None:
    assert checker(HERE / "right.py", tmp_path) == set()


@pytest.mark.parametrize("checker", CHECKERS.values(), ids=CHECKERS)
def test_mistakes_are_found_in_their_lines(checker: Callable[[Path, Path], set[int]], tmp_path: Path) -> None:
    lines = (HERE / "wrong.py").read_text().splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if MARK.search(line)}
    assert len(wrong) > 15
    assert checker(HERE / "wrong.py", tmp_path) == wrong
