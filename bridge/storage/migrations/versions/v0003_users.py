"""Users of the pages, their sessions, API tokens, and how often a sign-in failed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import LONGTEXT

revision = "0003"
down_revision = "0002"
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


def upgrade() -> None:
    _table(
        "users",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(64), nullable=False),
        sa.Column("password", sa.String(300), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger()),
        indexes={"users_name_key": ("name_key",)},
        unique=frozenset({"users_name_key"}),
    )
    _table(
        "sessions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(40), nullable=False),
        sa.Column("said", _LONG),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        indexes={"sessions_user": ("user_id",), "sessions_ends_at": ("ends_at",)},
    )
    _table(
        "api_tokens",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", _LONG, nullable=False),
        sa.Column("made_by", sa.String(191), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.Column("ended_at", sa.BigInteger()),
        indexes={"api_tokens_digest": ("digest",)},
        unique=frozenset({"api_tokens_digest"}),
    )
    _table(
        "failed_sign_ins",
        sa.Column("scope", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        indexes={"failed_sign_ins_since": ("since",)},
    )


def downgrade() -> None:
    raise NotImplementedError("a database is not taken back: restore the backup made before the upgrade instead")
