"""Magento Open Source 2.4.6-p11 with the AfterShip_TikTokShop plugin as a small real HTTP server.

It answers as a live store with the real plugin was measured to answer, odd answers included, and keeps its books in
memory. `docs/reference/sandbox-magento.md` lists its control routes and says what it leaves out.
"""

from __future__ import annotations

from bridge.sandbox.magento.app import create_app
from bridge.sandbox.magento.state import MagentoSandbox

__all__ = ["MagentoSandbox", "create_app"]
