"""The official schema and its samples, where the folder is present."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema

FOLDER = Path(__file__).parents[3].parent / "shared" / "schemas" / "shopify"


def sample(name: str) -> bytes:
    path = FOLDER / name
    if not path.is_file():
        pytest.skip(f"no {path}: the vendor's own material is not part of this repository")
    return path.read_bytes()


def _given() -> Any:
    given = json.loads(gzip.decompress(sample("admin_2026-10.json.gz")))
    return given.get("data", given)


@cache
def schema() -> GraphQLSchema:
    # Strict validation refuses the whole schema for a deprecated interface field of its own.
    return build_client_schema(_given(), assume_valid=True)


NEW_IN_2026_10 = {"OrderCancelJobResult", "OrderCancelStatus", "JobResult"}


@cache
def schema_of_2026_07() -> GraphQLSchema:
    """The same without what 2026-10 brought (shopify.dev, changelog of 2026-10): a cancel's job has no result."""
    given = _given()
    types = [one for one in given["__schema"]["types"] if one["name"] not in NEW_IN_2026_10]
    for one in types:
        if one["name"] == "OrderCancelPayload":
            one["fields"] = [field for field in one["fields"] if field["name"] != "jobResult"]
        for name in ("possibleTypes", "interfaces"):
            one[name] = [other for other in one.get(name) or [] if other["name"] not in NEW_IN_2026_10]
    given["__schema"]["types"] = types
    return build_client_schema(given, assume_valid=True)
