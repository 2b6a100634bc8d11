"""Shopify's search syntax, as far as orders and variants are found by it here.

Source: shopify.dev, "API search syntax": `field:value`, comparators `:<`, `:<=`, `:>`, `:>=`, values in single or
double quotes, `AND` (also unspoken) before `OR`, `NOT` and `-`, parentheses. A field that does not exist is left out
of the search and named in `extensions.search`, which is how a misspelt filter finds everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

Node = TypeVar("Node")
Test = Callable[[Node], bool]
Field = Callable[[Node, str, str], bool]
"""Whether a node's field stands in the relation (`:`, `<`, …) to the value."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<minus>-)?(?:(?P<field>[A-Za-z_][\w.$-]*):(?P<relation><=|>=|<|>)?)?"""
    r"""(?P<value>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?:\\.|[^\s()])+))"""
)
_ESCAPED = re.compile(r"\\(.)")


@dataclass
class Search(Generic[Node]):
    """What a query asks, and the fields of it that do not exist."""

    matches: Test[Node]
    unknown: list[str] = field(default_factory=list)


def _equal(held: str, value: str) -> bool:
    """Whatever the case; `*` at the end stands for anything; a comma lists alternatives."""
    held = held.casefold()
    return any(held.startswith(one[:-1]) if one.endswith("*") else held == one for one in value.casefold().split(","))


def text_field(read: Callable[[Node], str | None]) -> Field[Node]:
    return lambda node, _relation, value: _equal(read(node) or "", value)


def any_field(read: Callable[[Node], list[str]]) -> Field[Node]:
    """One of several values, as tags are."""

    def test(node: Node, _relation: str, value: str) -> bool:
        return any(_equal(held, value) for held in read(node))

    return test


def number_field(read: Callable[[Node], int]) -> Field[Node]:
    def test(node: Node, relation: str, value: str) -> bool:
        return value.isdigit() and _compare(read(node), relation, int(value))

    return test


def time_field(read: Callable[[Node], datetime]) -> Field[Node]:
    """To the second; a date alone is its midnight in UTC."""

    def test(node: Node, relation: str, value: str) -> bool:
        try:
            wanted = datetime.fromisoformat(value)
        except ValueError:
            return False
        if wanted.tzinfo is None:
            wanted = wanted.replace(tzinfo=UTC)
        return _compare(read(node).replace(microsecond=0), relation, wanted.replace(microsecond=0))

    return test


def _compare(held: int | datetime, relation: str, wanted: int | datetime) -> bool:
    order = (held > wanted) - (held < wanted)  # type: ignore[operator]  # both are numbers, or both are times
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}.get(relation, order == 0)


def parse(
    query: str,
    fields: Mapping[str, Field[Node]],
    default: Callable[[Node], str],
    prefixed: Callable[[str], Field[Node] | None] = lambda _name: None,
) -> Search[Node]:
    """Read a query. `default` gives the text that terms without a field search in; `prefixed` finds `metafields.…`."""
    found: Search[Node] = Search(lambda _node: True)
    tokens = [match for match in _TOKEN.finditer(query) if match.group().strip()]
    position = 0

    def peek() -> re.Match[str] | None:
        return tokens[position] if position < len(tokens) else None

    def is_word(match: re.Match[str] | None, word: str) -> bool:
        return match is not None and match["field"] is None and match["value"] == word

    def term(match: re.Match[str]) -> Test[Node]:
        value = match["value"]
        value = value[1:-1] if value[0] in "\"'" and len(value) > 1 else value
        value = _ESCAPED.sub(r"\1", value)
        name, relation = match["field"], match["relation"] or ":"
        if name is None:
            wanted = value.casefold()
            return lambda node: wanted in default(node).casefold()
        test = fields.get(name) or prefixed(name)
        if test is None:
            found.unknown.append(name)
            return lambda _node: True
        return lambda node: test(node, relation, value)

    def factor() -> Test[Node]:
        nonlocal position
        match = tokens[position]
        position += 1
        if is_word(match, "NOT") and peek() is not None:
            inner = factor()
            return lambda node: not inner(node)
        if match["open"]:
            inner = either()
            if (closing := peek()) is not None and closing["close"]:
                position += 1
            return inner
        if match["close"]:
            return lambda _node: True
        test = term(match)
        return (lambda node: not test(node)) if match["minus"] else test

    def both() -> Test[Node]:
        nonlocal position
        parts: list[Test[Node]] = []
        while (match := peek()) is not None and not match["close"] and not is_word(match, "OR"):
            if is_word(match, "AND"):
                position += 1
                continue
            parts.append(factor())
        return lambda node: all(part(node) for part in parts)

    def either() -> Test[Node]:
        nonlocal position
        parts = [both()]
        while is_word(peek(), "OR"):
            position += 1
            parts.append(both())
        return lambda node: any(part(node) for part in parts)

    found.matches = either()
    return found
