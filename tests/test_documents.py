"""What the documents show is true: their Python runs, their TOML is read, their commands exist.

Python blocks of one document share a namespace, in order; a block fenced as ``python no-run`` is not run.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

import tsmon.cli
import tsmon_agent.cli
from tsmon_agent.settings import Settings

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("grafana/**/*.md"))]
APPS = {"tsmon": tsmon.cli.app, "tsmon-agent": tsmon_agent.cli.app}
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its info string, the number of its first line, its text."""

    kind: str
    line: int
    text: str


def blocks(document: Path) -> Iterator[Block]:
    pattern = re.compile(
        r"^(?P<indent> *)```(?P<kind>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
    )
    text = document.read_text()
    for match in pattern.finditer(text):
        lines = [line.removeprefix(match["indent"]) for line in match["text"].splitlines()]
        yield Block(match["kind"].strip(), text.count("\n", 0, match.start("text")) + 1, "\n".join(lines))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_the_python_of_a_document_runs(document: Path, tmp_path: Path) -> None:
    """As one program whose lines have the numbers that they have in the document."""
    program = ""
    for block in blocks(document):
        if block.kind == "python":
            program += "\n" * (block.line - 1 - program.count("\n")) + block.text + "\n"
    file = tmp_path / f"{document.stem}.py"
    file.write_text(program)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TSMON_")}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    run = subprocess.run(
        [sys.executable, str(file)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_the_settings_of_a_document_are_settings(document: Path) -> None:
    for block in blocks(document):
        if block.kind != "toml":
            continue
        for section, values in tomllib.loads(block.text).items():
            known = getattr(Settings.model_fields[section].annotation, "model_fields", {})
            assert values.keys() <= known.keys(), f"{name(document)}:{block.line}"


def commands(document: Path) -> list[list[str]]:
    """Words of each command of ours that is shown in a block or between backticks."""
    lines = re.findall(r"(?<!`)`(tsmon(?:-agent)? [^`\n]+)`", document.read_text())
    for block in blocks(document):
        if block.kind in {"console", "bash", "sh"}:
            lines += block.text.splitlines()
    found = []
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        words = [word.rpartition("/")[2] if "/bin/" in word else word for word in words]
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if words and words[0] in {*APPS, "make"}:
            end = next((i for i, word in enumerate(words) if word in {"|", ">", ">>", "&&", "&", "<"}), len(words))
            found.append(words[:end])
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_the_commands_of_a_document_exist(document: Path) -> None:
    """With ``--help`` at its end a command does nothing, but its subcommand and its options have to be there."""
    for command, *arguments in commands(document):
        if command == "make":
            assert {word for word in arguments if "=" not in word} <= set(TARGETS), (command, arguments)
        else:
            result = CliRunner().invoke(APPS[command], [*arguments, "--help"])
            assert result.exit_code == 0, (command, arguments, result.output)


def test_the_readmes_two_commands_are_there() -> None:
    shown = commands(ROOT / "README.md")
    assert ["make", "run"] in shown
    assert ["make", "test"] in shown
