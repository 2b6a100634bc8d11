"""Every table. The migrations create them; a test compares the two.

Texts of MySQL tables are utf8mb4 with a binary collation: ids and keys differ by case, as remotes mean them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import LONGTEXT

from bridge.storage.columns import Instant, Json

metadata = MetaData()
LongText = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
_MYSQL: dict[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def _id(name: str = "id", **more: Any) -> Column[str]:
    return Column(name, String(40), **({"nullable": False} | more))


def _when(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Instant(), nullable=nullable)


def _table(name: str, *columns: Any, **more: Any) -> Table:
    return Table(name, metadata, *columns, **_MYSQL, **more)


meta = _table(
    "meta",
    Column("name", String(64), primary_key=True),
    Column("value", LongText, nullable=False),
)

connections = _table(
    "connections",
    _id(primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(191), nullable=False),
    Column("url", String(500), nullable=False),
    Column("identity", String(500), nullable=False),
    Column("state", String(40), nullable=False),
    Column("because", LongText, nullable=False),
    Column("credentials", LongText, nullable=False),
    Column("facts", Json(), nullable=False),
    Column("plugin_override", String(40)),
    # Where people open its admin, where nothing but a person tells that.
    Column("admin_url", String(500)),
    _when("blocked_until", nullable=True),
    _when("token_expires_at", nullable=True),
    Column("version", Integer, nullable=False),
    _when("created_at"),
    _when("updated_at"),
    Index("connections_identity", "kind", "identity", unique=True),
)

shops = _table(
    "shops",
    _id(primary_key=True),
    _id("connection_id"),
    Column("channel_shop_id", String(64), nullable=False),
    Column("name", String(191), nullable=False),
    Column("region", String(20), nullable=False),
    Column("cipher", String(191), nullable=False),
    Column("seller_type", String(40), nullable=False),
    Column("settings", Json(), nullable=False),
    # Why refunds of this shop's orders are not carried to the channel until a person answers; NULL: they are.
    Column("brake", Json()),
    # The store's connection named in the settings, for the question which shops hang on a store.
    _id("tied_to", nullable=True),
    Column("version", Integer, nullable=False),
    _when("created_at"),
    _when("updated_at"),
    Index("shops_channel_id", "connection_id", "channel_shop_id", unique=True),
    Index("shops_tied_to", "tied_to"),
)

sku_mappings = _table(
    "sku_mappings",
    _id("shop_id", primary_key=True),
    # Hash of the seller SKU: MySQL's binary collation holds "A" and "A " for equal, a merchant does not.
    Column("sku_key", String(64), primary_key=True),
    Column("seller_sku", LongText, nullable=False),
    Column("store_sku", LongText, nullable=False),
)

orders = _table(
    "orders",
    _id(primary_key=True),
    _id("shop_id"),
    Column("channel_order_id", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("because", LongText, nullable=False),
    _id("store_connection_id", nullable=True),
    Column("store_view", String(64)),
    Column("store_order_id", String(64)),
    Column("store_number", String(64)),
    Column("plan", Json()),
    _when("create_sent_at", nullable=True),
    Column("origin", String(20)),
    Column("reserved", String(20)),
    Column("reserved_because", LongText, nullable=False),
    Column("repair_tried", Boolean, nullable=False),
    Column("row_ids", Json(), nullable=False),
    Column("blocked", LongText),
    Column("forced", Json(), nullable=False),
    Column("reading", Json()),
    _when("channel_created_at", nullable=True),
    _when("settled_at", nullable=True),
    # Since when it waits for something outside (an outage, PENDING, an upgrade); NULL while it does not.
    _when("waiting_since", nullable=True),
    # What for: `outage:` or `upgrade:` and the connection, or `pending`.
    Column("waits_for", String(60)),
    # Since when it waits behind its shop's brake; NULL while it does not.
    _when("braked_at", nullable=True),
    # Fingerprint of what was known when the store was last searched in vain for another connector's order.
    Column("searched_for", String(64)),
    # When a sweep last marked it, and when a difference was last found that no message had told of.
    _when("swept_at", nullable=True),
    _when("drifted_at", nullable=True),
    _when("created_at"),
    _when("updated_at"),
    Index("orders_shop_channel", "shop_id", "channel_order_id", unique=True),
    Index("orders_channel", "channel_order_id", "id"),
    Index("orders_store", "store_order_id", "id"),
    Index("orders_number", "store_number", "id"),
    Index("orders_store_connection", "store_connection_id", "store_order_id"),
    Index("orders_state", "state", "id"),
    Index("orders_shop_state", "shop_id", "state", "id"),
    Index("orders_shop", "shop_id", "id"),
    Index("orders_waiting", "waiting_since"),
    Index("orders_created", "created_at"),
)

inbox = _table(
    "inbox",
    # sha256 of connection and what makes the message the same one.
    Column("id", String(64), primary_key=True),
    _id("connection_id"),
    Column("topic", String(120), nullable=False),
    Column("subject", String(191), nullable=False),
    Column("note", String(500), nullable=False),
    Column("work_key", String(191), nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("noted_generation", BigInteger, nullable=False),
    _when("first_at"),
    _when("last_at"),
    Index("inbox_work_key", "work_key"),
    Index("inbox_heard", "last_at", "connection_id"),
    sqlite_with_rowid=False,
)

work = _table(
    "work",
    Column("work_key", String(191), primary_key=True),
    # NULL while parked, so that parked rows never stand in the way of due ones.
    _when("due_at", nullable=True),
    Column("lease_owner", String(120)),
    _when("lease_until", nullable=True),
    Column("generation", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_because", LongText),
    _when("parked_at", nullable=True),
    Index("work_due_at", "due_at"),
    sqlite_with_rowid=False,
)

ledger = _table(
    "ledger",
    _id(primary_key=True),
    _id("order_id"),
    _id("shop_id"),
    Column("side", String(20), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("units", Json(), nullable=False),
    Column("units_key", String(64), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("token", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    # The order's id while the claim is open, else NULL: the unique index allows one open claim an order.
    _id("open_for", nullable=True),
    Column("payload", Json(), nullable=False),
    _when("claimed_at"),
    _when("acted_at", nullable=True),
    _when("quiet_until", nullable=True),
    _when("ended_at", nullable=True),
    Column("reference", String(191), nullable=False),
    Column("because", LongText, nullable=False),
    Index("ledger_open_for", "open_for", unique=True),
    Index("ledger_order", "order_id", "id"),
    Index("ledger_rate", "shop_id", "kind", "claimed_at"),
    Index("ledger_cancelled", "kind", "claimed_at", "state", "side", "ended_at"),
)

changelog = _table(
    "changelog",
    _id(primary_key=True),
    _id("order_id"),
    _when("at"),
    Column("event", String(64), nullable=False),
    Column("fingerprint", String(64)),
    Column("because", LongText, nullable=False),
    Column("facts", Json(), nullable=False),
    Index("changelog_order", "order_id", "id"),
    Index("changelog_event", "order_id", "event", "id"),
)

attention = _table(
    "attention",
    _id(primary_key=True),
    Column("scope", String(60), nullable=False),
    Column("kind", String(64), nullable=False),
    _id("order_id", nullable=True),
    _id("shop_id", nullable=True),
    _id("connection_id", nullable=True),
    Column("fingerprint", String(64), nullable=False),
    Column("title", LongText, nullable=False),
    Column("because", LongText, nullable=False),
    Column("what_to_do", LongText, nullable=False),
    Column("facts", Json(), nullable=False),
    Column("state", String(20), nullable=False),
    Column("note", LongText, nullable=False),
    # Until when an answer counts, where there is such a time: a buyer's request.
    _when("deadline_at", nullable=True),
    # Since when it stands open this time, when a person put it away, how often it came back, and why it did.
    _when("opened_at", nullable=True),
    _when("dismissed_at", nullable=True),
    Column("episode", Integer),
    Column("reopened", LongText),
    _when("created_at"),
    _when("updated_at"),
    Index("attention_scope", "scope", "kind", unique=True),
    Index("attention_state", "state", "id"),
    Index("attention_kind", "state", "kind", "id"),
    Index("attention_groups", "state", "kind", "deadline_at", "opened_at", "created_at", "id"),
    Index("attention_order", "order_id"),
    Index("attention_deadline", "state", "deadline_at", "id"),
)

cursors = _table(
    "cursors",
    Column("scope", String(60), primary_key=True),
    Column("stream", String(64), primary_key=True),
    _when("since", nullable=True),
    _when("next_since", nullable=True),
    Column("page", LongText),
    _when("started_at", nullable=True),
    _when("finished_at", nullable=True),
    Column("passes", Integer, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("pages", BigInteger, nullable=False, server_default="0"),
)

leases = _table(
    "leases",
    Column("name", String(120), primary_key=True),
    Column("owner", String(120), nullable=False),
    _when("lease_until"),
)

foreign_orders = _table(
    "foreign_orders",
    _id("connection_id", primary_key=True),
    Column("store_order_id", String(64), primary_key=True),
    _when("updated_at"),
)

jobs = _table(
    "jobs",
    _id(primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("progress", Json(), nullable=False),
    Column("result", Json()),
    Column("because", LongText, nullable=False),
    _when("created_at"),
    _when("updated_at"),
)

audit = _table(
    "audit",
    _id(primary_key=True),
    _when("at"),
    Column("who", String(191), nullable=False),
    Column("what", String(191), nullable=False),
    Column("value_before", Json()),
    Column("value_after", Json()),
    Index("audit_what", "what", "id"),
    Index("audit_who", "who", "id"),
)

alert_targets = _table(
    "alert_targets",
    _id(primary_key=True),
    # `email` or `webhook`.
    Column("kind", String(20), nullable=False),
    Column("name", String(191), nullable=False),
    # Where to: an e-mail address or a URL.
    Column("address", String(500), nullable=False),
    # Secrets of the target, sealed like a connection's credentials.
    Column("sealed", LongText, nullable=False),
    Column("options", Json(), nullable=False),
    Column("enabled", Boolean, nullable=False),
    # How the last message went: why it failed, since when none got through, and when the next one may be sent.
    Column("because", LongText, nullable=False),
    _when("failing_since", nullable=True),
    _when("sent_at", nullable=True),
    _when("next_at", nullable=True),
    _when("created_at"),
    _when("updated_at"),
)

alerts = _table(
    "alerts",
    _id(primary_key=True),
    _id("target_id"),
    # Hash of item, fingerprint and episode: one cause is told once to each target.
    Column("cause", String(191), nullable=False),
    _id("attention_id", nullable=True),
    # The message it goes out with: written before it is sent, so that a repeat has the same id and content.
    _id("message_id", nullable=True),
    Column("body", Json(), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    _when("due_at", nullable=True),
    Column("because", LongText, nullable=False),
    _when("created_at"),
    _when("ended_at", nullable=True),
    Index("alerts_cause", "target_id", "cause", unique=True),
    Index("alerts_due", "state", "target_id", "id"),
    Index("alerts_created", "created_at"),
)

drifts = _table(
    "drifts",
    _id(primary_key=True),
    _id("order_id"),
    _id("shop_id"),
    # The side that changed and did not tell: `store` or `channel`.
    Column("side", String(20), nullable=False),
    _id("connection_id"),
    # What closes it.
    Column("effect", String(20), nullable=False),
    # `sweep`, `audit` or `look`.
    Column("found_by", String(20), nullable=False),
    Column("because", LongText, nullable=False),
    # The remote's own time of the change.
    _when("changed_at", nullable=True),
    _when("found_at"),
    # When its message came after all; NULL: never.
    _when("told_at", nullable=True),
    _when("healed_at", nullable=True),
    Index("drifts_order", "order_id", "id"),
    Index("drifts_connection", "connection_id", "found_at"),
    Index("drifts_found", "found_at"),
)

money_proofs = _table(
    "money_proofs",
    _id("order_id", primary_key=True),
    _id("shop_id"),
    Column("state", String(20), nullable=False),
    Column("currency", String(3), nullable=False),
    # Amounts as decimal texts; NULL where a side does not say.
    Column("channel_amount", String(40)),
    Column("store_amount", String(40)),
    Column("difference", String(40)),
    Column("lines", Json(), nullable=False),
    Column("because", LongText, nullable=False),
    _when("updated_at"),
    Index("money_proofs_state", "state", "order_id"),
    Index("money_proofs_shop", "shop_id", "state", "order_id"),
)

history = _table(
    "history",
    _id(primary_key=True),
    _id("job_id"),
    _id("shop_id"),
    Column("channel_order_id", String(64), nullable=False),
    Column("store_order_id", String(64)),
    Column("store_number", String(64)),
    # What would have been done; NULL: nothing.
    Column("effect", String(20)),
    Column("verdict", String(20), nullable=False),
    Column("because", LongText, nullable=False),
    Column("facts", Json(), nullable=False),
    Column("state", String(20), nullable=False),
    _when("created_at"),
    Index("history_order", "job_id", "channel_order_id", unique=True),
    Index("history_page", "job_id", "id"),
    Index("history_shop", "shop_id", "id"),
)

restore_findings = _table(
    "restore_findings",
    _id("order_id", primary_key=True),
    _id("check_id"),
    Column("verdict", String(20), nullable=False),
    # What would follow and is withheld; NULL: nothing.
    Column("effect", String(20)),
    Column("adopted", Boolean, nullable=False),
    Column("because", LongText, nullable=False),
    _when("at"),
    Index("restore_findings_check", "check_id", "verdict", "order_id"),
)

rates = _table(
    "rates",
    Column("name", String(191), primary_key=True),
    # When all calls counted so far will have come back, by the database's clock.
    _when("full_at"),
)

users = _table(
    "users",
    _id(primary_key=True),
    Column("name", String(64), nullable=False),
    # The name as it is compared: case does not tell two people apart.
    Column("name_key", String(64), nullable=False),
    # An argon2id hash, with its own parameters.
    Column("password", String(300), nullable=False),
    # `manager` may change things, `viewer` may look.
    Column("role", String(20), nullable=False),
    _when("created_at"),
    _when("updated_at"),
    _when("seen_at", nullable=True),
    Index("users_name_key", "name_key", unique=True),
)

sessions = _table(
    "sessions",
    # sha256 of the cookie: who reads the database cannot sign in with it.
    Column("id", String(64), primary_key=True),
    _id("user_id"),
    # What the next page says of what was just done.
    Column("said", Json()),
    _when("created_at"),
    _when("seen_at"),
    _when("ends_at"),
    Index("sessions_user", "user_id"),
    Index("sessions_ends_at", "ends_at"),
)

api_tokens = _table(
    "api_tokens",
    _id(primary_key=True),
    Column("name", String(64), nullable=False),
    # sha256 of the token: who reads the database cannot send it.
    Column("digest", String(64), nullable=False),
    Column("scopes", Json(), nullable=False),
    Column("made_by", String(191), nullable=False),
    _when("created_at"),
    _when("last_used_at", nullable=True),
    _when("ended_at", nullable=True),
    Index("api_tokens_digest", "digest", unique=True),
)

failed_sign_ins = _table(
    "failed_sign_ins",
    # Hash of a name, an address, or both.
    Column("scope", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    _when("since"),
    Index("failed_sign_ins_since", "since"),
)
