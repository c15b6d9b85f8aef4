"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

LOSES = ()  # tables, and columns as table.column, that the downgrade removes


def upgrade() -> None:
    """…"""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """…"""
    ${downgrades if downgrades else "pass"}
