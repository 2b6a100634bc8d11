"""Every page, and every form of one."""

from __future__ import annotations

from typing import Final

from bridge.web.pages import (
    account,
    alerts,
    attention,
    audit,
    buyer_requests,
    cancellation_sync,
    connecting,
    connections,
    history,
    orders,
    overview,
    sign_in,
    tokens,
    users,
)
from bridge.web.pages.routes import PageRoute

ROUTES: Final[tuple[PageRoute, ...]] = (
    *sign_in.ROUTES,
    *account.ROUTES,
    *overview.ROUTES,
    *attention.ROUTES,
    *orders.ROUTES,
    *history.ROUTES,
    *cancellation_sync.ROUTES,
    *buyer_requests.ROUTES,
    *connecting.ROUTES,
    *connections.ROUTES,
    *alerts.ROUTES,
    *tokens.ROUTES,
    *users.ROUTES,
    *audit.ROUTES,
)
