"""An Amazon seller's multi-channel fulfilment as a small real server; see `docs/reference/sandbox-amazon.md`.

`python -m bridge.sandbox.amazon --port 9400`, or `create_app(AmazonSandbox())` in a program.
"""

from __future__ import annotations

from bridge.sandbox.amazon.app import create_app
from bridge.sandbox.amazon.state import AmazonSandbox

__all__ = ["AmazonSandbox", "create_app"]
