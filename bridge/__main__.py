"""`python -m bridge` is the `bridge` command."""

from __future__ import annotations

from bridge.cli import main

main()
