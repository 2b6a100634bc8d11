"""Alerts, drifts, money proofs, history, rates; since when an order waits; deadlines of what a person is asked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import LONGTEXT

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LONG = sa.Text().with_variant(LONGTEXT(), "mysql", "mariadb")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}

# Each step looks at what is there first: on MySQL an interrupted run leaves some of it, because DDL commits by itself.


def _table(
    name: str, *columns: Any, indexes: dict[str, tuple[str, ...]], unique: frozenset[str] = frozenset(), **more: Any
) -> None:
    inspector = sa.inspect(op.get_bind())
    present: set[str | None] = set()
    if inspector.has_table(name):
        present = {index["name"] for index in inspector.get_indexes(name)}
    else:
        op.create_table(name, *columns, **_MYSQL, **more)
    for index, names in indexes.items():
        if index not in present:
            op.create_index(index, name, list(names), unique=index in unique)


def _indexes(table: str, indexes: dict[str, tuple[str, ...]]) -> None:
    present = {index["name"] for index in sa.inspect(op.get_bind()).get_indexes(table)}
    for index, names in indexes.items():
        if index not in present:
            op.create_index(index, table, list(names))


def _columns(table: str, *columns: sa.Column[Any]) -> None:
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
    for column in columns:
        if column.name not in present:
            op.add_column(table, column)


def upgrade() -> None:
    _columns(
        "orders",
        sa.Column("waiting_since", sa.BigInteger()),
        sa.Column("waits_for", sa.String(60)),
        sa.Column("braked_at", sa.BigInteger()),
        sa.Column("searched_for", sa.String(64)),
        sa.Column("swept_at", sa.BigInteger()),
        sa.Column("drifted_at", sa.BigInteger()),
    )
    _columns("shops", sa.Column("brake", _LONG))
    _columns(
        "attention",
        sa.Column("deadline_at", sa.BigInteger()),
        sa.Column("opened_at", sa.BigInteger()),
        sa.Column("dismissed_at", sa.BigInteger()),
        sa.Column("episode", sa.Integer()),
        sa.Column("reopened", _LONG),
    )
    _indexes("attention", {"attention_deadline": ("state", "deadline_at", "id")})
    _indexes("orders", {"orders_waiting": ("waiting_since",)})
    _columns("cursors", sa.Column("pages", sa.BigInteger(), nullable=False, server_default="0"))
    _table(
        "alert_targets",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(191), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("sealed", _LONG, nullable=False),
        sa.Column("options", _LONG, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("failing_since", sa.BigInteger()),
        sa.Column("sent_at", sa.BigInteger()),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={},
    )
    _table(
        "alerts",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("target_id", sa.String(40), nullable=False),
        sa.Column("cause", sa.String(191), nullable=False),
        sa.Column("attention_id", sa.String(40)),
        sa.Column("message_id", sa.String(40)),
        sa.Column("body", _LONG, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        indexes={
            "alerts_cause": ("target_id", "cause"),
            "alerts_due": ("state", "target_id", "id"),
            "alerts_created": ("created_at",),
        },
        unique=frozenset({"alerts_cause"}),
    )
    _table(
        "drifts",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("order_id", sa.String(40), nullable=False),
        sa.Column("shop_id", sa.String(40), nullable=False),
        sa.Column("side", sa.String(20), nullable=False),
        sa.Column("connection_id", sa.String(40), nullable=False),
        sa.Column("effect", sa.String(20), nullable=False),
        sa.Column("found_by", sa.String(20), nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("changed_at", sa.BigInteger()),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger()),
        sa.Column("healed_at", sa.BigInteger()),
        indexes={
            "drifts_order": ("order_id", "id"),
            "drifts_connection": ("connection_id", "found_at"),
            "drifts_found": ("found_at",),
        },
    )
    _table(
        "money_proofs",
        sa.Column("order_id", sa.String(40), primary_key=True),
        sa.Column("shop_id", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("channel_amount", sa.String(40)),
        sa.Column("store_amount", sa.String(40)),
        sa.Column("difference", sa.String(40)),
        sa.Column("lines", _LONG, nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={
            "money_proofs_state": ("state", "order_id"),
            "money_proofs_shop": ("shop_id", "state", "order_id"),
        },
    )
    _table(
        "history",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("shop_id", sa.String(40), nullable=False),
        sa.Column("channel_order_id", sa.String(64), nullable=False),
        sa.Column("store_order_id", sa.String(64)),
        sa.Column("store_number", sa.String(64)),
        sa.Column("effect", sa.String(20)),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("facts", _LONG, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        indexes={
            "history_order": ("job_id", "channel_order_id"),
            "history_page": ("job_id", "id"),
            "history_shop": ("shop_id", "id"),
        },
        unique=frozenset({"history_order"}),
    )
    _table(
        "restore_findings",
        sa.Column("order_id", sa.String(40), primary_key=True),
        sa.Column("check_id", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("effect", sa.String(20)),
        sa.Column("adopted", sa.Boolean(), nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        indexes={"restore_findings_check": ("check_id", "verdict", "order_id")},
    )
    _table(
        "rates",
        sa.Column("name", sa.String(191), primary_key=True),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        indexes={},
    )


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back: restore the backup made before the upgrade instead")
