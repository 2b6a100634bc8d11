from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
RULES: dict[str, dict[str, Any]] = tomllib.loads(
    (ROOT / "bridge" / "connectors" / "woocommerce" / "quality.toml").read_text()
)["rules"]


@pytest.mark.parametrize("name", list(RULES))
def test_a_claim_has_a_reason_and_where_it_is_done_a_proof(name: str) -> None:
    rule = RULES[name]
    assert rule["status"] in {"done", "todo", "exempt"}
    assert rule["comment"].endswith(".")
    if rule["status"] == "done":
        assert rule["proof"]
    for proof in rule.get("proof", []):
        assert (ROOT / proof).is_file(), proof
