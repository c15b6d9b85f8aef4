"""What the documents show is true: their Python runs, their TOML is read, their commands exist.

Each Python block is a file of its own, run in an empty directory. A block fenced as ``python no-run`` is not run,
one fenced as ``python server`` is run against the real InfluxDB, one fenced as ``python pytest`` by pytest.
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
from tests.services.influxdb import InfluxDB
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


def blocks_of(kind: str) -> list[tuple[str, Block]]:
    return [(name(one), block) for one in DOCUMENTS for block in blocks(one) if block.kind == kind]


def run_block(document: str, block: Block, directory: Path, text: str, *command: str) -> str:
    """Run a block, in which lines have the numbers that they have in the document; returns what it prints."""
    home, work = directory / "home", directory / "work"
    home.mkdir()
    work.mkdir()
    file = work / f"{Path(document).stem}.py"
    file.write_text("\n" * (block.line - 1) + text + "\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TSMON_", "XDG_"))}
    environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    run = subprocess.run(
        [sys.executable, *command, str(file)],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    ("document", "block"), [pytest.param(*one, id=f"{one[0]}:{one[1].line}") for one in blocks_of("python")]
)
def test_each_python_block_of_a_document_runs_as_a_file_of_its_own(
    document: str, block: Block, tmp_path: Path
) -> None:
    run_block(document, block, tmp_path, block.text)


@pytest.mark.parametrize(
    ("document", "block"), [pytest.param(*one, id=f"{one[0]}:{one[1].line}") for one in blocks_of("python pytest")]
)
def test_each_test_of_a_document_passes(document: str, block: Block, tmp_path: Path) -> None:
    assert "1 passed" in run_block(document, block, tmp_path, block.text, "-m", "pytest", "-p", "no:asyncio")


def test_every_python_block_of_the_readme_runs() -> None:
    kinds = {block.kind for block in blocks(ROOT / "README.md") if block.kind.startswith("python")}
    assert kinds == {"python", "python pytest"}


@pytest.mark.parametrize(
    ("document", "block"), [pytest.param(*one, id=f"{one[0]}:{one[1].line}") for one in blocks_of("python server")]
)
def test_each_python_block_that_needs_a_server_runs_with_it(
    document: str, block: Block, tmp_path: Path, influxdb: InfluxDB, bucket: str
) -> None:
    """With the address, organization, bucket and token of the test's server in place of the document's."""
    text = block.text
    for shown, real in (
        ("http://localhost:8086", influxdb.url),
        ('"ocean"', f'"{influxdb.org}"'),
        ('"metrics"', f'"{bucket}"'),
        ('"TOKEN"', f'"{influxdb.token}"'),
    ):
        assert shown in text
        text = text.replace(shown, real)
    assert '"_value": 35.1' in run_block(document, block, tmp_path, text)


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
