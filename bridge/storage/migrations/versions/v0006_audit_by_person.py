"""An index for all changes of one person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Looked for first: on MySQL an interrupted run leaves it behind, because DDL commits by itself.
    if "audit_who" not in {index["name"] for index in sa.inspect(op.get_bind()).get_indexes("audit")}:
        op.create_index("audit_who", "audit", ["who", "id"])


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back: restore the backup made before the upgrade instead")
