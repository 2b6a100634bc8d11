"""The official schema and its samples, where the folder is present."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_client_schema

FOLDER = Path(__file__).parents[3].parent / "shared" / "schemas" / "shopify"


def sample(name: str) -> bytes:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {path}: the vendor's own material is not part of this repository")
    return path.read_bytes()


@cache
def schema() -> GraphQLSchema:
    given = json.loads(gzip.decompress(sample("admin_2026-10.json.gz")))
    # Strict validation refuses the whole schema for a deprecated interface field of its own.
    return build_client_schema(given.get("data", given), assume_valid=True)
