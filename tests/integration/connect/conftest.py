"""Stories of the whole service."""

from __future__ import annotations

from tests.support.databases import pytest_generate_tests

__all__ = ["pytest_generate_tests"]
