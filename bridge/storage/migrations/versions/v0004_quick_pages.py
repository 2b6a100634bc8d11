"""Indexes for the pages: a month's orders and cancellations, each connection's newest message, what waits by cause."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Each step looks at what is there first: on MySQL an interrupted run leaves some of it, because DDL commits by itself.
_NEW = {
    "orders_created": ("orders", ("created_at",)),
    "ledger_cancelled": ("ledger", ("kind", "claimed_at", "state", "side", "ended_at")),
    "inbox_heard": ("inbox", ("last_at", "connection_id")),
    "attention_groups": ("attention", ("state", "kind", "deadline_at", "opened_at", "created_at", "id")),
}
_OLD = {"inbox_last_at": "inbox"}
"""`inbox_heard` begins with the same column, so whatever read by the old one reads by the new one, and a delivery has
as many indexes to write as before.
"""


def _present(table: str) -> set[str | None]:
    return {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}


def upgrade() -> None:
    for index, (table, names) in _NEW.items():
        if index not in _present(table):
            op.create_index(index, table, list(names))
    for index, table in _OLD.items():
        if index in _present(table):
            op.drop_index(index, table)


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back: restore the backup made before the upgrade instead")
