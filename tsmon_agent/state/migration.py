"""Migrations of the schema from one version to another, by alembic; imported only when there is something to do."""

import io
from collections.abc import Iterator, Mapping
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from tsmon_agent.state.schema_versions import BASE, MIGRATIONS, known_versions

__all__ = ["count_losses", "generate_sql", "list_versions", "migrate"]


def migrate(connection: Connection, current: str, wanted: str) -> None:
    """Migrate up or down, within the transaction of ``connection``."""
    run = command.upgrade if _is_up(current, wanted) else command.downgrade
    run(_build_config(connection=connection), wanted)


def generate_sql(dialect: str, current: str, wanted: str) -> str:
    """Generate the SQL that :func:`migrate` would run, for ``sqlite`` or ``postgresql``, without a database."""
    written = io.StringIO()
    config = _build_config(written, dialect=dialect)
    if _is_up(current, wanted):
        command.upgrade(config, f"{current}:{wanted}", sql=True)
    else:
        command.downgrade(config, f"{current}:{wanted}", sql=True)
    return written.getvalue().strip() + "\n"


def count_losses(connection: Connection, current: str, wanted: str) -> Mapping[str, int]:
    """Count the rows of each table and column (``table.column``) that going down would remove, if there are any."""
    found: dict[str, int] = {}
    undone = known_versions()[_position(wanted) : _position(current)]
    for script in _scripts().walk_revisions():
        if script.revision in undone:
            for name in script.module.LOSES:
                table, _, column = name.partition(".")
                rows = connection.execute(text(f"SELECT count({column or '*'}) FROM {table}")).scalar_one()  # noqa: S608
                if rows:
                    found[name] = rows
    return dict(sorted(found.items()))


def list_versions() -> Iterator[tuple[str, str]]:
    """List the versions, the oldest first, and what each introduced."""
    for script in reversed(list(_scripts().walk_revisions())):
        yield script.revision, str(script.doc).rstrip(".")


def _is_up(current: str, wanted: str) -> bool:
    return _position(current) <= _position(wanted)


def _position(version: str) -> int:
    return 0 if version == BASE else known_versions().index(version) + 1


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _build_config(written: io.StringIO | None = None, **attributes: Any) -> Config:
    config = (
        Config(attributes=attributes) if written is None else Config(output_buffer=written, attributes=attributes)
    )
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
