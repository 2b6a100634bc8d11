"""Checks requests and answers against TikTok Shop's own endpoint pages, where they are at hand.

The pages are machine-readable: parameters are rows whose nesting is written as leading `^`. They are no part of this
project; without them `load()` gives None and the tests that need them say so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "schemas" / "tiktok" / "endpoints"
ABSENT = f"the endpoint pages of TikTok Shop are not at {FOLDER.name}/ beside this project"
METHODS = {1: "POST", 2: "GET", 3: "PUT", 4: "DELETE"}

# Seen in live answers or on newer pages of the same operation, absent from the page that is at hand.
LATER_FIELDS = {
    "return_refund/cancellations/search": {"data.cancellations[].should_replenish_stock": "bool"},
    "return_refund/orders/{order_id}/aftersale_eligibility": {
        "data.sku_eligibility[].line_item_eligibility[].available_reason_names": "[]string"
    },
}
LATER_QUERY = {"return_refund/orders/{order_id}/aftersale_eligibility": {"request_types"}}


@dataclass
class Node:
    type: str
    required: bool
    inside: dict[str, Node] = field(default_factory=dict)


@dataclass
class Operation:
    name: str
    method: str
    pattern: re.Pattern[str]
    headers: dict[str, Node]
    query: dict[str, Node]
    body: dict[str, Node]
    answer: dict[str, Node]


def _tree(rows: Iterable[Mapping[str, Any]] | None) -> dict[str, Node]:
    root: dict[str, Node] = {}
    levels = [root]
    for row in rows or []:
        name = str(row["name"]).lstrip("^")
        depth = len(str(row["name"])) - len(name)
        node = Node(str(row["type"]), row.get("required") == "Y")
        del levels[depth + 1 :]
        levels[depth][name] = node
        levels.append(node.inside)
    return root


def _add(tree: dict[str, Node], path: str, kind: str) -> None:
    *parents, leaf = path.replace("[]", "").split(".")
    for parent in parents:
        tree = tree[parent].inside
    tree[leaf] = Node(kind, required=False)


class Spec:
    def __init__(self, folder: Path = FOLDER) -> None:
        self.operations: list[Operation] = []
        for file in sorted(folder.glob("*.spec.json")):
            meta = json.loads(file.read_text(encoding="utf-8"))["document_api_meta"]
            category, _version, resource = str(meta["interface_path"]).lstrip("/").split("/", 2)
            name = f"{category}/{resource}"
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(resource))
            operation = Operation(
                name=name,
                method=METHODS[meta["method"]],
                pattern=re.compile(rf"/{category}/\d{{6}}/{pattern}"),
                headers=_tree(meta["request_header_param"]),
                query=_tree(meta["request_query_param"]),
                body=_tree(meta["request_body_param"]),
                answer=_tree(meta["response_param"]),
            )
            for path, kind in LATER_FIELDS.get(name, {}).items():
                _add(operation.answer, path, kind)
            for key in LATER_QUERY.get(name, set()):
                operation.query[key] = Node("string", required=False)
            self.operations.append(operation)

    def find(self, method: str, path: str) -> Operation | None:
        for operation in self.operations:
            if operation.method == method and operation.pattern.fullmatch(path):
                return operation
        return None

    def request_problems(
        self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any
    ) -> list[str]:
        """What the page of this operation does not allow; an operation without a page has no problems."""
        operation = self.find(method, path)
        if operation is None:
            return []
        problems = [f"query.{key} is not listed" for key in query if key not in operation.query]
        for key, node in operation.query.items():
            if key not in query:
                if node.required:
                    problems.append(f"query.{key} is missing")
            elif node.type == "int" and not query[key].isdecimal():
                problems.append(f"query.{key} is not a number")
        present = {name.lower() for name in headers}
        problems += [
            f"header {name} is missing"
            for name, node in operation.headers.items()
            if node.required and name.lower() not in present
        ]
        if operation.body or body is not None:
            problems += _object_problems(body if body is not None else {}, operation.body, "body", strict=True)
        return problems

    def answer_problems(self, method: str, path: str, answer: Any) -> list[str]:
        operation = self.find(method, path)
        return [] if operation is None else _object_problems(answer, operation.answer, "", strict=True)


def _object_problems(value: Any, tree: Mapping[str, Node], where: str, *, strict: bool) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} is not an object"]
    dot = f"{where}." if where else ""
    problems = [f"{dot}{key} is not listed" for key in value if key not in tree] if strict else []
    for key, node in tree.items():
        if key not in value:
            if node.required:
                problems.append(f"{dot}{key} is missing")
            continue
        problems += _value_problems(value[key], node, f"{dot}{key}")
    return problems


def _value_problems(value: Any, node: Node, where: str) -> list[str]:
    if node.type.startswith("[]"):
        if not isinstance(value, list):
            return [f"{where} is not a list"]
        element = Node(node.type[2:], required=True, inside=node.inside)
        return [problem for one in value for problem in _value_problems(one, element, f"{where}[]")]
    if node.type == "object":
        return _object_problems(value, node.inside, where, strict=True)
    fits = {
        "string": isinstance(value, str),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
    }
    if node.type not in fits:
        return [f"{where} has the unknown type {node.type}"]
    return [] if fits[node.type] else [f"{where} is not a {node.type}: {value!r}"]


def load() -> Spec | None:
    return Spec() if FOLDER.is_dir() else None
