"""What alembic runs for each command; the connection comes from tsmon_agent/state/migration.py."""

from typing import Any, Final

from alembic import context

from tsmon_agent.state.schema_versions import VERSION_TABLE
from tsmon_agent.state.tables import Base

attributes = context.config.attributes
options: Final[dict[str, Any]] = {
    "target_metadata": Base.metadata,
    "version_table": VERSION_TABLE,
    "transactional_ddl": True,
}

if context.is_offline_mode():
    context.configure(dialect_name=attributes["dialect"], literal_binds=True, **options)
else:
    context.configure(connection=attributes["connection"], **options)

with context.begin_transaction():
    context.run_migrations()
