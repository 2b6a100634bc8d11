"""Doctor: for each connection what is right, what is wrong, and what to do about it."""

from __future__ import annotations
