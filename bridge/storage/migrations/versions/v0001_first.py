"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import LONGTEXT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_LONG = sa.Text().with_variant(LONGTEXT(), "mysql", "mariadb")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _table(name: str, *columns: Any, indexes: dict[str, tuple[str, ...]], unique: frozenset[str], **more: Any) -> None:
    """Create what is not there: on MySQL an interrupted run leaves some of it, because DDL commits by itself."""
    inspector = sa.inspect(op.get_bind())
    present: set[str | None] = set()
    if inspector.has_table(name):
        present = {index["name"] for index in inspector.get_indexes(name)}
    else:
        op.create_table(name, *columns, **_MYSQL, **more)
    for index, names in indexes.items():
        if index not in present:
            op.create_index(index, name, list(names), unique=index in unique)


def upgrade() -> None:
    _table(
        "attention",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("scope", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(40)),
        sa.Column("shop_id", sa.String(40)),
        sa.Column("connection_id", sa.String(40)),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("title", _LONG, nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("what_to_do", _LONG, nullable=False),
        sa.Column("facts", _LONG, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("note", _LONG, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={
            "attention_kind": (
                "state",
                "kind",
                "id",
            ),
            "attention_order": ("order_id",),
            "attention_scope": (
                "scope",
                "kind",
            ),
            "attention_state": (
                "state",
                "id",
            ),
        },
        unique=frozenset({"attention_scope"}),
    )
    _table(
        "audit",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.String(191), nullable=False),
        sa.Column("what", sa.String(191), nullable=False),
        sa.Column("value_before", _LONG),
        sa.Column("value_after", _LONG),
        indexes={
            "audit_what": (
                "what",
                "id",
            )
        },
        unique=frozenset(),
    )
    _table(
        "changelog",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("order_id", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("facts", _LONG, nullable=False),
        indexes={
            "changelog_event": (
                "order_id",
                "event",
                "id",
            ),
            "changelog_order": (
                "order_id",
                "id",
            ),
        },
        unique=frozenset(),
    )
    _table(
        "connections",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(191), nullable=False),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("identity", sa.String(500), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("credentials", _LONG, nullable=False),
        sa.Column("facts", _LONG, nullable=False),
        sa.Column("plugin_override", sa.String(40)),
        sa.Column("blocked_until", sa.BigInteger()),
        sa.Column("token_expires_at", sa.BigInteger()),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={
            "connections_identity": (
                "kind",
                "identity",
            )
        },
        unique=frozenset({"connections_identity"}),
    )
    _table(
        "cursors",
        sa.Column("scope", sa.String(60), primary_key=True),
        sa.Column("stream", sa.String(64), primary_key=True),
        sa.Column("since", sa.BigInteger()),
        sa.Column("next_since", sa.BigInteger()),
        sa.Column("page", _LONG),
        sa.Column("started_at", sa.BigInteger()),
        sa.Column("finished_at", sa.BigInteger()),
        sa.Column("passes", sa.Integer(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        indexes={},
        unique=frozenset(),
    )
    _table(
        "foreign_orders",
        sa.Column("connection_id", sa.String(40), primary_key=True),
        sa.Column("store_order_id", sa.String(64), primary_key=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={},
        unique=frozenset(),
    )
    _table(
        "inbox",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("connection_id", sa.String(40), nullable=False),
        sa.Column("topic", sa.String(120), nullable=False),
        sa.Column("subject", sa.String(191), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("work_key", sa.String(191), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("noted_generation", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        indexes={"inbox_last_at": ("last_at",), "inbox_work_key": ("work_key",)},
        unique=frozenset(),
        sqlite_with_rowid=False,
    )
    _table(
        "jobs",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("progress", _LONG, nullable=False),
        sa.Column("result", _LONG),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={},
        unique=frozenset(),
    )
    _table(
        "leases",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        indexes={},
        unique=frozenset(),
    )
    _table(
        "ledger",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("order_id", sa.String(40), nullable=False),
        sa.Column("shop_id", sa.String(40), nullable=False),
        sa.Column("side", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("units", _LONG, nullable=False),
        sa.Column("units_key", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("open_for", sa.String(40)),
        sa.Column("payload", _LONG, nullable=False),
        sa.Column("claimed_at", sa.BigInteger(), nullable=False),
        sa.Column("acted_at", sa.BigInteger()),
        sa.Column("quiet_until", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("reference", sa.String(191), nullable=False),
        sa.Column("because", _LONG, nullable=False),
        indexes={
            "ledger_open_for": ("open_for",),
            "ledger_order": (
                "order_id",
                "id",
            ),
            "ledger_rate": (
                "shop_id",
                "kind",
                "claimed_at",
            ),
        },
        unique=frozenset({"ledger_open_for"}),
    )
    _table(
        "meta",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", _LONG, nullable=False),
        indexes={},
        unique=frozenset(),
    )
    _table(
        "orders",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("shop_id", sa.String(40), nullable=False),
        sa.Column("channel_order_id", sa.String(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("because", _LONG, nullable=False),
        sa.Column("store_connection_id", sa.String(40)),
        sa.Column("store_view", sa.String(64)),
        sa.Column("store_order_id", sa.String(64)),
        sa.Column("store_number", sa.String(64)),
        sa.Column("plan", _LONG),
        sa.Column("create_sent_at", sa.BigInteger()),
        sa.Column("origin", sa.String(20)),
        sa.Column("reserved", sa.String(20)),
        sa.Column("reserved_because", _LONG, nullable=False),
        sa.Column("repair_tried", sa.Boolean(), nullable=False),
        sa.Column("row_ids", _LONG, nullable=False),
        sa.Column("blocked", _LONG),
        sa.Column("forced", _LONG, nullable=False),
        sa.Column("reading", _LONG),
        sa.Column("channel_created_at", sa.BigInteger()),
        sa.Column("settled_at", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={
            "orders_channel": (
                "channel_order_id",
                "id",
            ),
            "orders_number": (
                "store_number",
                "id",
            ),
            "orders_shop": (
                "shop_id",
                "id",
            ),
            "orders_shop_channel": (
                "shop_id",
                "channel_order_id",
            ),
            "orders_shop_state": (
                "shop_id",
                "state",
                "id",
            ),
            "orders_state": (
                "state",
                "id",
            ),
            "orders_store": (
                "store_order_id",
                "id",
            ),
            "orders_store_connection": (
                "store_connection_id",
                "store_order_id",
            ),
        },
        unique=frozenset({"orders_shop_channel"}),
    )
    _table(
        "shops",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("connection_id", sa.String(40), nullable=False),
        sa.Column("channel_shop_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(191), nullable=False),
        sa.Column("region", sa.String(20), nullable=False),
        sa.Column("cipher", sa.String(191), nullable=False),
        sa.Column("seller_type", sa.String(40), nullable=False),
        sa.Column("settings", _LONG, nullable=False),
        sa.Column("tied_to", sa.String(40)),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        indexes={
            "shops_channel_id": (
                "connection_id",
                "channel_shop_id",
            ),
            "shops_tied_to": ("tied_to",),
        },
        unique=frozenset({"shops_channel_id"}),
    )
    _table(
        "sku_mappings",
        sa.Column("shop_id", sa.String(40), primary_key=True),
        sa.Column("sku_key", sa.String(64), primary_key=True),
        sa.Column("seller_sku", _LONG, nullable=False),
        sa.Column("store_sku", _LONG, nullable=False),
        indexes={},
        unique=frozenset(),
    )
    _table(
        "work",
        sa.Column("work_key", sa.String(191), primary_key=True),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("lease_owner", sa.String(120)),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parked_because", _LONG),
        sa.Column("parked_at", sa.BigInteger()),
        indexes={"work_due_at": ("due_at",)},
        unique=frozenset(),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("there is nothing before the first revision: restore a backup instead")
