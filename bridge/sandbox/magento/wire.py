"""How Magento speaks: numbers, JSON the way PHP writes it, times, and the errors of its REST layer."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from aiohttp import web

Row = dict[str, Any]
"""One database row as Magento keeps it; absent keys are NULL columns. Money and quantities are `Decimal` or `int`."""

CENT = Decimal("0.01")
JSON_TYPE = "application/json; charset=utf-8"
APPLICATION_ERROR = "An error has happened during application run. See exception log for details.\n"


class RestError(Exception):
    """An error that Magento's REST layer answers as JSON; placeholders such as `%1` are left to the reader."""

    def __init__(self, status: int, message: str, parameters: Any = None, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.parameters = parameters
        self.code = code
        self.headers: dict[str, str] = {}

    def body(self) -> Row:
        body: Row = {"message": self.message}
        if self.code is not None:
            body["code"] = self.code
        if self.parameters is not None:
            body["parameters"] = self.parameters
        return body


class ApplicationError(Exception):
    """An error outside of the REST layer's reach: HTTP 500 as plain text, nothing is booked."""


def not_found() -> RestError:
    return RestError(404, "The entity that was requested doesn't exist. Verify the entity and try again.")


def required(field: str) -> RestError:
    return RestError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": field})


def internal_error(report: str) -> RestError:
    return RestError(500, f"Internal Error. Details are available in Magento log file. Report ID: webapi-{report[:13]}")


def amount(row: Row | None, key: str) -> Decimal:
    """A money or quantity column; NULL counts as nothing, as in Magento's own sums."""
    value = (row or {}).get(key)
    if value is None or value == "":
        return Decimal(0)
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def cents(value: Decimal) -> Decimal:
    """Rounded to two places, half away from zero, whatever the currency (Magento: `PriceCurrency::round`)."""
    return value.quantize(CENT, ROUND_HALF_UP)


def number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def php_json(value: Any) -> str:
    """JSON as PHP's `json_encode` writes it: no spaces, `/` and everything beyond ASCII escaped."""
    return json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=True).replace("/", "\\/")


def read_json(raw: bytes) -> Any:
    """The body of a REST call; an empty body is an empty object.

    Raises `RestError` 400 when it is no JSON.
    """
    if not raw.strip():
        return {}
    try:
        return json.loads(raw, parse_float=Decimal)
    except ValueError as broken:
        raise RestError(400, "Decoding error: \n" + str(broken)) from broken


def stamp(moment: datetime) -> str:
    """A time as Magento's database and REST show it: UTC, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def price_text(value: Decimal, currency: str) -> str:
    sign = {"USD": "$", "EUR": "€", "GBP": "£"}.get(currency, currency)
    return f"{sign}{cents(value):,.2f}"


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    response = web.Response(status=status, body=php_json(value).encode(), headers=headers)
    response.headers["Content-Type"] = JSON_TYPE
    response.headers["Cache-Control"] = "no-store"
    return response


def error_answer(problem: Exception) -> web.Response:
    """The answer to a `RestError` or an `ApplicationError`."""
    if isinstance(problem, RestError):
        return json_answer(problem.body(), problem.status, problem.headers)
    response = web.Response(status=500, body=APPLICATION_ERROR.encode())
    response.headers["Content-Type"] = "text/plain;charset=UTF-8"
    return response


def drop_nulls(row: Row) -> Row:
    """Magento leaves NULL columns out of its answers; it sorts the others by name."""
    return {key: row[key] for key in sorted(row) if row[key] is not None}
