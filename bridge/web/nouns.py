"""The words of the API's description: what each group of routes is about, what each place of an address means."""

from __future__ import annotations

from typing import Final

from bridge.storage.exports import BOOKS

TAGS: Final = {
    "openapi.json": "This description.",
    "connections": "Stores and channels, and how they are connected. Credentials go in and never come out.",
    "doctor": "What is right and wrong with the service itself.",
    "overview": "24 hours and 30 days at a glance.",
    "shops": "TikTok Shops: the store each is tied to, the cancellation sync, SKUs, and their past.",
    "orders": "Orders on both sides, unit by unit, with all that was decided and why.",
    "attention": "What waits for a person, and the answers to it.",
    "sweeps": "Looking for what changed without telling.",
    "drifts": "Differences that no message had told of.",
    "money-proofs": "Credit memos held against TikTok's own amounts.",
    "jobs": "Long things that were asked for.",
    "audit": "Who changed what by hand.",
    "alert-targets": "Who is told of what needs attention.",
    "alerts": "What was told.",
    "export": "The books as CSV or JSON lines.",
    "restore-check": "After a restore from a backup: look at everything before effects go on.",
    "users": "Who may sign in to the pages.",
    "tokens": "API tokens and what each may do.",
    "hooks": "For machines: the remotes deliver here, each signed in its own way. Not for API clients.",
    "oauth": "For browsers and remotes on the way of an authorization. Not for API clients.",
    "plugin": "What a version of the store's plugin can do.",
    "operations": "Health and metrics.",
}
"""By the word behind `/api/v1/`, or the route's own tag."""

PLACES: Final = {
    "connection": "Id of a connection; GET /api/v1/connections lists them",
    "shop": "Id of a TikTok Shop; GET /api/v1/shops lists them",
    "order": "Id of an order, or TikTok's order id; two shops with the same number: 409, which names ours",
    "item": "Id of an attention item; GET /api/v1/attention lists them",
    "job": "Id of a job, from the answer that began it",
    "target": "Id of an alert target; GET /api/v1/alert-targets lists them",
    "user": "Id or name of a user; GET /api/v1/users lists them",
    "token": "Id of an API token; GET /api/v1/tokens lists them",
    "book": "Which book",
    "kind": "The store's kind: magento, shopify, woocommerce, …",
    "app_key": "The app's key, from TikTok Shop's Partner Center",
    "event": "The event type that TikTok Shop was told to deliver here",
}
"""By the name of the place in an address."""

CHOICES: Final = {"book": sorted(BOOKS)}
"""Places that take only these."""

QUERIES: Final = {
    "connection": "Only of this connection",
    "kind": "Only of this kind",
    "limit": "How many at most",
    "order": "Only of this order, by our id",
    "shop": "Only of this TikTok Shop",
    "state": "Only in this state",
    "target": "Only to this alert target",
    "what": "Only changes of exactly this, as `what` of an entry has it",
}
"""By the name of a query parameter whose model says nothing of its own."""
