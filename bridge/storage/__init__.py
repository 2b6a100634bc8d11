"""The books: what the bridge remembers, in SQLite or MySQL/MariaDB."""

from __future__ import annotations
