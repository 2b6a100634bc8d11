"""Every code of a finding stands on its page, and none that does not exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit.docs.pages import ROOT, read, rows

PAGE = read("docs/reference/findings.md")
CODES = PAGE.partition("## Facts that are kept")[0]
MAKERS = {"Finding", "StorageFinding"}
OTHER_MAKERS = {"bridge/cli/doctor.py": {"_finding"}, "bridge/storage/mysql.py": {"say"}}
OF_PROBLEMS = {"credentials_refused", "remote_refused", "remote_unavailable"}
"""What a refused connect says: the problem's own slug (`bridge/web/api/connections.py`)."""


def _constants(node: ast.expr, named: dict[str, str]) -> set[str]:
    """`named`: the module's own constants."""
    if isinstance(node, ast.Name) and node.id in named:
        return {named[node.id]}
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    if isinstance(node, ast.IfExp):
        return _constants(node.body, named) | _constants(node.orelse, named)
    return set()


def _makes_findings(tree: ast.Module) -> bool:
    """Attention has findings of its own; these are the ones of `bridge.ports` and of the storage."""
    here = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"bridge.ports", "bridge.storage"}
        for name in node.names
    }
    return bool({"Finding", "mysql"} & imported or "StorageFinding" in here)


def _named(tree: ast.Module) -> dict[str, str]:
    return {
        node.target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _calls(path: Path) -> Iterator[tuple[str, ast.expr, dict[str, str]]]:
    """Where each finding is made, and what it gives as code."""
    tree = ast.parse(path.read_text())
    makers = OTHER_MAKERS.get(str(path.relative_to(ROOT)), set()) | (MAKERS if _makes_findings(tree) else set())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or len(node.args) != 3:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in makers:
            yield f"{path.name}:{node.lineno}", node.args[1], _named(tree)


def codes_of_the_program() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "bridge").rglob("*.py"):
        for place, given, named in _calls(path):
            # Handed on as it came: made, and seen here, elsewhere.
            if isinstance(given, ast.Attribute) and given.attr == "code":
                continue
            if isinstance(given, ast.Name) and given.id == "code":
                continue
            made = _constants(given, named)
            assert made, f"{place}: a finding's code must be written out, so that its page can be held against it"
            found |= made
    return found


def test_every_code_is_documented_and_none_that_does_not_exist() -> None:
    codes = codes_of_the_program() | OF_PROBLEMS
    assert len(codes) > 60
    assert set(rows(CODES)) == codes


def test_every_code_says_what_it_means_and_what_to_do() -> None:
    for code, (levels, means, todo) in rows(CODES).items():
        assert set(re.findall(r"\w+", levels)) <= {"ok", "warning", "error"}, code
        assert means, code
        assert todo or levels == "ok", f"{code}: what is to be done?"


def test_the_facts_that_doctor_keeps_are_documented() -> None:
    for name in ("told_since", "looked_at", "clock_offset", "other_registrations", "integration_id", "mode"):
        assert f"`{name}`" in PAGE
