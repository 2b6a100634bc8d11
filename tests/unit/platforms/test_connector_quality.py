"""Each connector's claims: every rule answered, every proof there, and the page as the files say."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bridge import quality
from bridge.bootstrap import PLATFORMS

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", PLATFORMS)
def test_every_rule_is_answered(kind: str) -> None:
    claimed, platform = quality.claims(kind), PLATFORMS[kind]
    assert (claimed.name, claimed.side) == (platform.name, platform.side)
    assert claimed.missing == ()
    assert [one.rule for one in claimed.by("done") if one.rule == "contract-suite"], (
        "a platform passes it or is not here"
    )


@pytest.mark.parametrize("kind", quality.kinds())
def test_every_proof_is_there(kind: str) -> None:
    for claim in quality.claims(kind).of:
        for proof in claim.proof:
            module, _, name = proof.partition("::")
            path = ROOT / module
            assert path.is_file(), f"{kind}, {claim.rule}: {module}"
            tests = {
                node.name
                for node in ast.parse(path.read_text("utf-8")).body
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
            }
            assert tests, f"{kind}, {claim.rule}: {module} holds no test"
            assert not name or name in tests, f"{kind}, {claim.rule}: {proof}"


def test_what_is_wrong_in_a_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "FOLDER", tmp_path)
    quality.claims.cache_clear()
    head = 'name = "Any"\nside = "store"\n[rules.sweep]\n'
    (tmp_path / "any").mkdir()
    for text, says in (
        (head + 'status = "maybe"\ncomment = "So."', "status"),
        (head + 'status = "todo"\ncomment = "so"', "sentence"),
        (head + 'status = "done"\ncomment = "So."', "proof"),
        (head + 'status = "todo"\ncomment = "So."\nproof = ["x"]', "proof"),
        (head.replace("store", "shelf") + 'status = "todo"\ncomment = "So."', "side"),
    ):
        (tmp_path / "any" / "quality.toml").write_text(text)
        with pytest.raises(ValueError, match=says):
            quality.claims("any")
    (tmp_path / "any" / "quality.toml").write_text(head + 'status = "todo"\ncomment = "Not yet."')
    told = quality.told("any")
    assert "sweep: Not yet." in told
    assert "echo" in quality.claims("any").missing
    quality.claims.cache_clear()


def test_the_page_says_what_the_files_say() -> None:
    page = ROOT / "docs" / "reference" / "connector-quality.md"
    assert page.read_text("utf-8") == quality.page(), "python -m bridge.quality > docs/reference/connector-quality.md"
