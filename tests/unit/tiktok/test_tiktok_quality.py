from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CLAIMS = tomllib.loads((ROOT / "bridge" / "connectors" / "tiktok" / "quality.toml").read_text("utf-8"))


@pytest.mark.parametrize("rule", CLAIMS)
def test_claims_are_backed(rule: str) -> None:
    claim = CLAIMS[rule]
    if claim["status"] == "done":
        assert (ROOT / claim["test"]).is_file()
    else:
        assert claim["status"] in {"todo", "exempt"}
        assert len(claim["because"]) > 20
