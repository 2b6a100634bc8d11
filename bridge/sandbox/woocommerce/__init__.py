"""A WooCommerce store's REST API as a small real server; see `docs/reference/sandbox-woocommerce.md`.

`python -m bridge.sandbox.woocommerce --port 9500`, or `create_app(WooCommerceSandbox())` in a program.
"""

from __future__ import annotations

from bridge.sandbox.woocommerce.app import create_app
from bridge.sandbox.woocommerce.state import WooCommerceSandbox

__all__ = ["WooCommerceSandbox", "create_app"]
