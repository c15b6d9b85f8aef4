"""The state as rows: of any version, to any database, all or nothing."""

import json
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select
from sqlalchemy.orm import Session

from tests.tsmon_agent.cli.inventory_tables import DEPLOYMENTS, STREAMS
from tests.tsmon_agent.shell import Shell, agent
from tsmon.errors import BackupError
from tsmon_agent.backup.state_rows import count_rows, dump_state, stage_state
from tsmon_agent.state import Database
from tsmon_agent.state.schema_versions import known_versions

__all__ = ["agent"]


@pytest.fixture
def filled(agent: Shell, tmp_path: Path) -> Path:
    """A state with streams and deployments, some columns of which are null."""
    (tmp_path / "s.csv").write_text(STREAMS)
    (tmp_path / "d.csv").write_text(DEPLOYMENTS)
    agent.settings(f'[state]\nurl = "sqlite:///{tmp_path / "filled.db"}"\n')
    assert agent("streams", "load", "s.csv").code == 0
    assert agent("deployments", "load", "d.csv").code == 0
    return tmp_path / "filled.db"


def dump_as_stored(path: Path, file: Path, version: str) -> None:
    """What a program of an earlier version would have written."""
    database = Database(path)
    database.migrate(version)

    def read(session: Session) -> list[tuple[str, dict[str, object]]]:
        metadata = MetaData()
        metadata.reflect(session.connection())
        tables = [table for table in metadata.sorted_tables if table.name != "tsmon_state_version"]
        head.extend(table.name for table in tables)
        return [(table.name, dict(row)) for table in tables for row in session.execute(select(table)).mappings()]

    head: list[str] = []
    rows = database.run_at_stored_version(read)
    counts = {name: sum(table == name for table, _ in rows) for name in head}
    lines: list[object] = [{"version": version, "tables": head}]
    lines += [{"table": table, "row": row} for table, row in rows]
    file.write_text("".join(json.dumps(one, separators=(",", ":")) + "\n" for one in [*lines, {"rows": counts}]))


@pytest.mark.parametrize("version", known_versions())
def test_a_state_of_any_version_is_restored_to_any_database(
    filled: Path, version: str, state_url: str, tmp_path: Path
) -> None:
    with Database(filled) as database:
        assert dump_state(database, tmp_path / "newest.jsonl")["expected_streams"] == 3
    dump_as_stored(filled, tmp_path / "old.jsonl", version)
    with stage_state(tmp_path / "old.jsonl") as staged, Database(state_url) as target:
        target.run(staged.put)
        assert {name: count_rows(target)[name] for name in ("expected_streams", "deployments")} == {
            "expected_streams": 3,
            "deployments": 2,
        }
        dump_state(target, tmp_path / "back.jsonl")

    def streams(name: str) -> list[str]:
        lines = (tmp_path / name).read_text().splitlines()
        return [line for line in lines if line.startswith(('{"table":"expected', '{"table":"deploy'))]

    assert streams("back.jsonl") == streams("newest.jsonl")


def test_rows_that_break_a_rule_or_are_missing_are_found_before_anything_changes(
    filled: Path, tmp_path: Path
) -> None:
    with Database(filled) as database:
        dump_state(database, tmp_path / "state.jsonl")
    lines = (tmp_path / "state.jsonl").read_text().splitlines()
    wrong = tmp_path / "wrong.jsonl"
    for number, (changed, said) in enumerate(
        [
            (lines[:-1], "incomplete"),
            (lines[:2] + lines[3:], "incomplete"),
            ([lines[0], "{", *lines[1:]], r"wrong\.jsonl:2 is damaged"),
            ([lines[0].replace("000", "009", 1), *lines[1:]], "this program knows those up to"),
            (
                [lines[0], lines[1].replace('"table":"', '"table":"x'), *lines[2:]],
                r"wrong\.jsonl:2: there is no table",
            ),
        ]
    ):
        wrong.write_text("\n".join(changed) + "\n")
        with pytest.raises(BackupError, match=said):
            stage_state(wrong)
        assert number >= 0


def test_a_database_without_a_schema_has_no_rows_and_stays_without(tmp_path: Path) -> None:
    database = Database(tmp_path / "none.db")
    assert dump_state(database, tmp_path / "state.jsonl") == {}
    assert count_rows(database) == {}
    assert not list(tmp_path.iterdir())
