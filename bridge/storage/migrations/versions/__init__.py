"""One file a revision, `v0001_first.py`; never changed once released."""

from __future__ import annotations
