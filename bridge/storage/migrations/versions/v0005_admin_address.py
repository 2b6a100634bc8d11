"""Where people open a store's admin, which no API tells."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Looked for first: on MySQL an interrupted run leaves it behind, because DDL commits by itself.
    if "admin_url" not in {column["name"] for column in sa.inspect(op.get_bind()).get_columns("connections")}:
        op.add_column("connections", sa.Column("admin_url", sa.String(500)))


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back: restore the backup made before the upgrade instead")
