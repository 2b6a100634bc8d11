"""A call that passed the gate, and the checks of its parameters."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bridge.sandbox.tiktok.errors import Json, Refusal, bad_parameter, missing_parameter
from bridge.sandbox.tiktok.model import Grant, Shop

if TYPE_CHECKING:
    from bridge.sandbox.tiktok.sandbox import TikTokSandbox

Kind = Literal["str", "int", "bool", "strs", "objects"]


@dataclass(frozen=True, slots=True)
class Field:
    """A body field: its JSON type, and for a list of objects the fields of each."""

    kind: Kind
    required: bool = False
    inside: Mapping[str, Field] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    endpoint: Endpoint
    grant: Grant
    query: Mapping[str, str]
    body: Json
    path: Mapping[str, str]
    raw_path: str
    shop_or_none: Shop | None

    @property
    def shop(self) -> Shop:
        assert self.shop_or_none is not None, "a shop-level endpoint"
        return self.shop_or_none


Handler = Callable[["TikTokSandbox", Call], Awaitable[Json]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: its path with `{version}` taken apart, what it takes, and who answers."""

    method: str
    category: str
    versions: tuple[str, ...]
    resource: str
    scope: str
    handler: Handler
    query: frozenset[str] = frozenset()
    body: Mapping[str, Field] = field(default_factory=dict)
    shop_level: bool = True

    @property
    def name(self) -> str:
        return f"{self.method} {self.category}/{self.resource}"


def check_body(body: Json, fields: Mapping[str, Field], where: str = "body") -> None:
    """Refusal for a field that is not listed, is missing, or has another JSON type."""
    for key in body:
        if key not in fields:
            raise bad_parameter(f"{where}.{key} is not a parameter of this API")
    for key, spec in fields.items():
        if key not in body:
            if spec.required:
                raise missing_parameter(f"{where}.{key}")
            continue
        value = body[key]
        if not _fits(value, spec.kind):
            raise bad_parameter(f"{where}.{key} must be {spec.kind}")
        if spec.required and value in ("", []):
            raise missing_parameter(f"{where}.{key}")
        if spec.inside is not None:
            for element in value:
                check_body(element, spec.inside, f"{where}.{key}")


def _fits(value: object, kind: Kind) -> bool:
    if kind == "str":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    wanted = str if kind == "strs" else dict
    return isinstance(value, list) and all(isinstance(element, wanted) for element in value)


def whole_number(text: str, name: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdecimal() or not low <= int(text) <= high:
        raise bad_parameter(f"{name} must be a number from {low} to {high}")
    return int(text)


def choice(value: str, name: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise bad_parameter(f"{name} must be one of {', '.join(allowed)}")
    return value


def in_window(moment: int, body: Json, name: str) -> bool:
    """Whether a time lies in `<name>_ge` (included) … `<name>_lt` (excluded)."""
    return bool(body.get(f"{name}_ge", moment) <= moment < body.get(f"{name}_lt", moment + 1))


def page(call: Call, rows: Sequence[Json], key: str, *, default: int, low: int, high: int, order: str) -> Json:
    """Cut one page. The token names the last row shown, so rows that change places meanwhile are seen again later
    and none that stays is left out.
    """
    query = call.query
    size = whole_number(query.get("page_size", str(default)), "page_size", low, high)
    sort_field = choice(query.get("sort_field", "create_time"), "sort_field", ("create_time", "update_time"))
    descending = choice(query.get("sort_order", order), "sort_order", ("ASC", "DESC")) == "DESC"

    def place(row: Json) -> tuple[int, str]:
        return int(row[sort_field]), str(row[key])

    ordered = sorted(rows, key=place, reverse=descending)
    rest = ordered
    if token := query.get("page_token"):
        last = _read_token(token, sort_field)
        rest = [row for row in ordered if (place(row) < last if descending else place(row) > last)]
    shown = rest[:size]
    following = _make_token(sort_field, place(shown[-1])) if len(rest) > size else ""
    return {"rows": shown, "total_count": len(rows), "next_page_token": following}


def _make_token(sort_field: str, last: tuple[int, str]) -> str:
    return base64.b64encode(json.dumps([sort_field, *last]).encode()).decode()


def _read_token(token: str, sort_field: str) -> tuple[int, str]:
    try:
        read_field, moment, row_id = json.loads(base64.b64decode(token, validate=True))
    except (ValueError, binascii.Error):
        raise bad_parameter("page_token is invalid") from None
    if read_field != sort_field:
        raise bad_parameter("page_token belongs to another sort_field")
    return int(moment), str(row_id)


def shop_refusal() -> Refusal:
    return Refusal(101000, "the shop is not authorized for this access token", 401)
