"""Reading what a request carries, within bounds, into models."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from aiohttp import web
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from bridge.web.problems import Problem

MAX_BODY = 1024 * 1024
"""Bytes; deliveries and API bodies alike."""
BODY_SECONDS = 10.0

M = TypeVar("M", bound=BaseModel)

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII)


def _as_written(value: object) -> object:
    """A time is written out: seconds since 1970 may be milliseconds, and nobody would see it."""
    if value is None or isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("must be a time with its zone, such as 2026-03-01T12:00:00Z")
    found = datetime.fromisoformat(value.upper())
    try:
        return found.astimezone(UTC) if found.tzinfo else found
    except OverflowError:
        raise ValueError("lies outside the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_as_written)]
"""A point in time that a request names: RFC 3339, with its zone."""


def moment_of(text: str) -> datetime:
    """What our own pages and answers carry from us to us. Raises ValueError, also where it names no zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no zone")
    return moment


_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_END: Final = datetime(2200, 1, 1, tzinfo=UTC)


def _of_our_times(moment: datetime) -> datetime:
    if not _FIRST <= moment < _END:
        raise ValueError("must lie in the years 2000 to 2199")
    return moment


Beginning = Annotated[Moment, AfterValidator(_of_our_times)]
"""From when on something counts. It is stored, reckoned with, and shown in every zone: the calendar's ends are far."""


class Asked(BaseModel):
    """A request: a field that nobody knows is a mistake, and said to be one."""

    model_config = ConfigDict(extra="forbid")


class Nothing(Asked):
    """A request without content."""


async def read_raw(request: web.Request, limit: int = MAX_BODY, seconds: float = BODY_SECONDS) -> bytes:
    """The body as it came. Raises `Problem`: 413, 408, 415 for a compressed one."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("media-type", "Send the body as it is: no Content-Encoding is understood.")
    declared = request.content_length
    too_large = Problem("too-large", f"The body may have {limit} bytes at most.", headers={"Connection": "close"})
    if declared is not None and declared > limit:
        raise too_large
    try:
        if request.content.is_eof():  # all of it is here, as with most deliveries: no timer needed
            raw = await request.read()
        else:
            async with asyncio.timeout(seconds):
                raw = await request.read()
    except TimeoutError:
        detail = f"The body did not arrive within {seconds:g} seconds."
        raise Problem("timeout", detail, headers={"Connection": "close"}) from None
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    if len(raw) > limit:
        raise too_large
    return raw


async def read_json(request: web.Request, model: type[M]) -> M:
    """The body as a model. Raises `Problem`: 400 for what is no JSON, 415, 422 with every wrong place.

    Strictly as described: `0` is not false, `"5"` is no number.
    """
    raw = await read_raw(request)
    kind = request.content_type
    if raw and kind not in {"application/json", "application/octet-stream", "text/json"} and not kind.endswith("+json"):
        raise Problem("media-type", "Send JSON, with Content-Type: application/json.")
    try:
        return model.model_validate_json(raw or b"{}", strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        raise Problem("bad-request", "The body is not JSON.")
    raise _invalid(found)


def read_query(request: web.Request, model: type[M]) -> M:
    """The query string as a model; an empty value counts as left out. Raises `Problem` 422."""
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            text = "is given twice"
            raise Problem("invalid", f"{name} {text}", errors=[{"pointer": f"#/{name}", "detail": text}])
        if value != "":
            given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    raise _invalid(found)


def as_model(given: object, model: type[M]) -> M:
    """What a form says as a model, as if it had come as JSON. Raises `Problem` 422."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    raise _invalid(found)


def _invalid(found: Sequence[ErrorDetails]) -> Problem:
    """Places and sentences, never the values: they may be secrets."""
    errors = []
    for one in found:
        path = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in one["loc"])
        errors.append({"pointer": f"#{path}"[:300], "detail": str(one["msg"])})
    named = "; ".join(f"{error['pointer'][2:] or 'body'}: {error['detail']}" for error in errors[:5])
    return Problem("invalid", f"Correct these and send it again: {named}", errors=errors[:100])
