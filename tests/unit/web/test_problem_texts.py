"""A problem is read on a page and by a program: routes are named to the program alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from bridge.web.problems import Problem, invalid, unknown

WEB = Path(__file__).parents[3] / "bridge" / "web"
MAKERS = {"Problem", "invalid", "Finding"}


def details() -> Iterator[tuple[Path, int, str]]:
    """Every text that is given to a maker of problems, but `where`; a variable is followed within its file."""
    for path in sorted(WEB.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        named = {
            target.id: node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in MAKERS:
                continue
            for given in [*call.args, *(one.value for one in call.keywords if one.arg not in {"where", "errors"})]:
                value = named.get(given.id, given) if isinstance(given, ast.Name) else given
                for one in ast.walk(value):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        yield path, call.lineno, one.value


def test_no_text_of_a_problem_names_a_route() -> None:
    found = list(details())
    assert len(found) > 100
    routes = [(path.name, line, text) for path, line, text in found if "/api/" in text]
    # Setting what is only shown, and what Magento's own log shows to an administrator: no page leads there.
    assert {name for name, _, _ in routes} <= {"oauth_magento.py"}


def test_the_api_goes_on_where_a_page_ends() -> None:
    problem = unknown("shop", "/api/v1/shops")
    assert problem.detail == "There is no shop of this id."
    assert problem.body()["detail"] == "There is no shop of this id. GET /api/v1/shops lists them."
    assert Problem("not-found", "There is no shop.").body()["detail"] == "There is no shop."
    wrong = invalid("/store/connection", "there is none", where="(GET /api/v1/connections lists them)")
    assert wrong.body()["detail"] == "there is none (GET /api/v1/connections lists them)"
    assert wrong.body()["errors"] == [{"pointer": "#/store/connection", "detail": "there is none"}]
