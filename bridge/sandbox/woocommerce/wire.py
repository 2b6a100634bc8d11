"""Forms of the wire: times of the site and of GMT, amounts, pages of a list, the fields asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, TypeVar

from aiohttp import web

from bridge.sandbox.woocommerce.model import Json, WpError, invalid

_T = TypeVar("_T")
_MOST_PER_PAGE = 100


def local(at: datetime | None, zone: tzinfo) -> str | None:
    """In the site's time, which nothing in the text says."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S") if at else None


def gmt(at: datetime | None) -> str | None:
    """In UTC, which nothing in the text says either."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if at else None


def rounded(amount: Decimal, decimals: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def shown(amount: Decimal, decimals: int) -> str:
    return f"{rounded(amount, decimals):f}"


def read_moment(value: str, name: str, zone: tzinfo) -> datetime:
    """A date of a query, in `zone` unless it says its own. Raises `WpError`."""
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise invalid(name, "Invalid date.") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def read_amount(body: Json, name: str) -> Decimal | None:
    """An amount, which the schema wants as a text; None where it is absent. Raises `WpError`."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(name, f"{name} is not of type string.")
    return number(value, name)


def number(value: Any, name: str) -> Decimal:
    """A number, or a text that is one. Raises `WpError`."""
    try:
        found = Decimal(str(value).strip() or "0") if not isinstance(value, bool) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise invalid(name, f"{name} is not of type number.")
    return found


def whole(query: Any, name: str, default: int, least: int = 0, most: int | None = None) -> int:
    """A whole number of a query. Raises `WpError`."""
    value = str(query.get(name, default))
    if not re.fullmatch(r"-?\d+", value):
        raise invalid(name, f"{name} is not of type integer.")
    found = int(value)
    if found < least or (most is not None and found > most):
        bounds = f"between {least} (inclusive) and {most} (inclusive)" if most else f"greater than or equal to {least}"
        raise invalid(name, f"{name} must be {bounds}")
    return found


def page_of(rows: Sequence[_T], request: web.Request) -> tuple[Sequence[_T], dict[str, str]]:
    """One page, and the headers that say how many rows and pages there are. Raises `WpError`."""
    query = request.query
    size = whole(query, "per_page", 10, 1, _MOST_PER_PAGE)
    offset = whole(query, "offset", 0) if "offset" in query else (whole(query, "page", 1, 1) - 1) * size
    pages = -(-len(rows) // size)
    return rows[offset : offset + size], {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(pages)}


def only(body: Json, request: web.Request) -> Json:
    """The fields that `_fields` names, at any depth (`a.b`); all unless told."""
    asked = request.query.get("_fields")
    if not asked:
        return body
    found: Json = {}
    for path in asked.split(","):
        _copy(body, found, path.strip().split("."))
    return found


def _copy(source: Json, target: Json, path: list[str]) -> None:
    name, rest = path[0], path[1:]
    if name not in source:
        return
    if rest and isinstance(source[name], dict):
        _copy(source[name], target.setdefault(name, {}), rest)
    else:
        target[name] = source[name]


def body_of(raw: Any) -> Json:
    if not isinstance(raw, dict):
        raise WpError("rest_invalid_json", "Invalid JSON body passed.", 400)
    return raw
