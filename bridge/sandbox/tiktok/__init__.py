"""TikTok Shop's Open API as a small real HTTP server; state in memory, trouble on request.

`create_app` gives an aiohttp application, `python -m bridge.sandbox.tiktok --port 9100` a process. Every route of the
control API is in docs/reference/sandbox-tiktok.md.
"""

from __future__ import annotations

from bridge.sandbox.tiktok.app import create_app
from bridge.sandbox.tiktok.model import App, Shop
from bridge.sandbox.tiktok.placing import LineSpec, OrderSpec
from bridge.sandbox.tiktok.sandbox import DEFAULT_SHOPS, TikTokSandbox
from bridge.sandbox.tiktok.settings import Settings

__all__ = ["DEFAULT_SHOPS", "App", "LineSpec", "OrderSpec", "Settings", "Shop", "TikTokSandbox", "create_app"]
