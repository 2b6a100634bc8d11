"""A Shopify store's Admin GraphQL API as a small real server; see `docs/reference/sandbox-shopify.md`.

`python -m bridge.sandbox.shopify --port 9300`, or `create_app(ShopifySandbox())` in a program.
"""

from __future__ import annotations

from bridge.sandbox.shopify.app import create_app
from bridge.sandbox.shopify.state import ShopifySandbox

__all__ = ["ShopifySandbox", "create_app"]
