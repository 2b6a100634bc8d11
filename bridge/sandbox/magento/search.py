"""`searchCriteria` and `fields`: Magento's filters over lists of rows.

Groups are joined by AND, the filters of a group by OR. A column that does not exist is an internal error, as live.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from bridge.sandbox.magento.oauth import read_query
from bridge.sandbox.magento.wire import RestError, Row, required

T = TypeVar("T")
_KEY = re.compile(r"\[([^\]]*)\]")


@dataclass
class Criteria:
    groups: list[list[Row]] = field(default_factory=list)
    sorts: list[tuple[str, str]] = field(default_factory=list)
    page_size: int | None = None
    page: int = 1
    echo: Row = field(default_factory=dict)


def nested(query: str) -> Row:
    """The query as PHP reads it: `a[b][0]=c` becomes `{"a": {"b": {"0": "c"}}}`."""
    tree: Row = {}
    for key, value in read_query(query):
        name, bracket, _ = key.partition("[")
        path = [name, *_KEY.findall(key)] if bracket else [key]
        level = tree
        for step in path[:-1]:
            deeper = level.get(step)
            if not isinstance(deeper, dict):
                deeper = level[step] = {}
            level = deeper
        level[path[-1] or str(len(level))] = value
    return tree


def _either(tree: Any, *names: str) -> Any:
    return next((tree[name] for name in names if isinstance(tree, dict) and name in tree), None)


def _list(tree: Any) -> list[Any]:
    return list(tree.values()) if isinstance(tree, dict) else []


def criteria(query: str) -> Criteria:
    """Raises `RestError` 400 without `searchCriteria`."""
    tree = nested(query)
    sent = _either(tree, "searchCriteria", "search_criteria")
    if sent is None:
        raise required("searchCriteria")
    read = Criteria()
    for group in _list(_either(sent, "filter_groups", "filterGroups")):
        filters = []
        for one in _list(_either(group, "filters")):
            kind = _either(one, "condition_type", "conditionType") or "eq"
            filters.append({"field": one.get("field"), "value": one.get("value"), "condition_type": kind})
        read.groups.append(filters)
    for one in _list(_either(sent, "sortOrders", "sort_orders")):
        read.sorts.append((str(one.get("field")), str(one.get("direction") or "DESC").upper()))
    size, page = _either(sent, "pageSize", "page_size"), _either(sent, "currentPage", "current_page")
    read.page_size = int(size) if size else None
    read.page = max(int(page), 1) if page else 1
    read.echo = {"filter_groups": [{"filters": group} for group in read.groups]}
    if read.sorts:
        read.echo["sort_orders"] = [{"field": name, "direction": direction} for name, direction in read.sorts]
    if size:
        read.echo["page_size"] = int(size)
    if page:
        read.echo["current_page"] = int(page)
    return read


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _compare(column: Any, wanted: str) -> int:
    """As MySQL compares: numbers as numbers, text without regard to case."""
    if isinstance(column, (int, Decimal)):
        other = _number(wanted) or Decimal(0)
        return (Decimal(column) > other) - (Decimal(column) < other)
    left, right = str(column).casefold(), str(wanted).casefold()
    if re.match(r"\d{4}-\d\d-\d\dt", right):
        right = right.replace("t", " ", 1)[:19]
    return (left > right) - (left < right)


_LIKE_PART = re.compile(r"\\(.)|(%)|(_)|(.)", re.DOTALL)


def _like(column: Any, pattern: str) -> bool:
    """`%` is any text, `_` any letter, and a backslash takes the next letter as it is (MySQL's LIKE, the default)."""
    parts = [
        ".*" if match.group(2) else "." if match.group(3) else re.escape(match.group(1) or match.group(4))
        for match in _LIKE_PART.finditer(pattern)
    ]
    return re.fullmatch("".join(parts), str(column), re.IGNORECASE | re.DOTALL) is not None


_TESTS: dict[str, Callable[[Any, str], bool]] = {
    "eq": lambda column, wanted: _compare(column, wanted) == 0,
    "neq": lambda column, wanted: _compare(column, wanted) != 0,
    "gt": lambda column, wanted: _compare(column, wanted) > 0,
    "gteq": lambda column, wanted: _compare(column, wanted) >= 0,
    "from": lambda column, wanted: _compare(column, wanted) >= 0,
    "lt": lambda column, wanted: _compare(column, wanted) < 0,
    "lteq": lambda column, wanted: _compare(column, wanted) <= 0,
    "to": lambda column, wanted: _compare(column, wanted) <= 0,
    "in": lambda column, wanted: any(_compare(column, one) == 0 for one in wanted.split(",")),
    "nin": lambda column, wanted: all(_compare(column, one) != 0 for one in wanted.split(",")),
    "like": _like,
    "nlike": lambda column, wanted: not _like(column, wanted),
    "finset": lambda column, wanted: wanted in str(column).split(","),
}


def _matches(row: Row, one: Row) -> bool:
    """NULL matches nothing but `null`, also not `neq`, as in SQL."""
    column = row.get(str(one["field"]))
    kind = str(one["condition_type"])
    if kind == "null":
        return column is None
    if kind == "notnull":
        return column is not None
    test = _TESTS.get(kind, _TESTS["eq"])
    return column is not None and test(column, str(one["value"] or ""))


def select(
    rows: list[T], read: Criteria, column_of: Callable[[T], Row], columns: set[str], broken: Callable[[], RestError]
) -> tuple[list[T], int]:
    """The page asked for and the count over all pages. A page beyond the last is empty.

    Raises what `broken` makes for a column that does not exist.
    """
    named = {str(one["field"]) for group in read.groups for one in group} | {name for name, _ in read.sorts}
    if not named <= columns:
        raise broken()
    found = [
        row
        for row in rows
        if all(any(_matches(column_of(row), one) for one in group) for group in read.groups if group)
    ]
    for name, direction in reversed(read.sorts):
        found.sort(key=lambda row: _sort_key(column_of(row).get(name)), reverse=direction == "DESC")
    total = len(found)
    if read.page_size:
        start = (read.page - 1) * read.page_size
        found = found[start : start + read.page_size]
    return found, total


def _sort_key(value: Any) -> tuple[int, Decimal, str]:
    if value is None:
        return 0, Decimal(0), ""
    if isinstance(value, (int, Decimal)):
        return 1, Decimal(value), ""
    return 1, Decimal(0), str(value)


def parse_fields(text: str) -> Row:
    """`items[entity_id,comments[comment]],total_count` as a tree; None marks a leaf."""
    root: Row = {}
    stack = [root]
    name = ""
    last = ""
    for char in text + ",":
        if char in ",[]":
            if name.strip():
                last = name.strip()
                stack[-1][last] = None
            name = ""
            if char == "[":
                deeper: Row = {}
                stack[-1][last] = deeper
                stack.append(deeper)
            elif char == "]" and len(stack) > 1:
                stack.pop()
        else:
            name += char
    return root


def trim(value: Any, wanted: Row) -> Any:
    """Keep the named fields. An empty list that is trimmed becomes null (measured)."""
    if isinstance(value, list):
        return [trim(one, wanted) for one in value] or None
    if not isinstance(value, dict):
        return value
    return {
        key: trim(inner, wanted[key]) if isinstance(wanted[key], dict) else inner
        for key, inner in value.items()
        if key in wanted
    }
