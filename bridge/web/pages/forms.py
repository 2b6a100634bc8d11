"""Forms: what a browser sends, within bounds, and only from our own pages."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from bridge.web.bodies import read_raw
from bridge.web.desk import public_url
from bridge.web.problems import Problem

MAX_FIELDS: Final = 2000
CSRF_FIELD: Final = "csrf"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in order; a field may come several times."""

    fields: tuple[tuple[str, str], ...] = field(repr=False)

    def text(self, name: str, default: str = "") -> str:
        """The last value of a field, without blanks around it."""
        return next((value.strip() for key, value in reversed(self.fields) if key == name), default)

    def raw(self, name: str) -> str:
        """The last value as it was typed: passwords, pasted lists."""
        return next((value for key, value in reversed(self.fields) if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value.strip() for key, value in self.fields if key == name)

    def has(self, name: str) -> bool:
        """A box is ticked: the browser sends it at all."""
        return any(key == name for key, _ in self.fields)


FORM: web.RequestKey[Form] = web.RequestKey("form", Form)


async def read_form(request: web.Request) -> Form:
    """Raises `Problem`: 413, 408, 415, 400."""
    raw = await read_raw(request)
    if raw and request.content_type != "application/x-www-form-urlencoded":
        raise Problem("media-type", "This address takes forms of its own pages.")
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Problem("bad-request", "The form could not be read: reload the page and send it again.") from None
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in pairs))


def check_origin(request: web.Request) -> None:
    """A browser says where a form came from. Raises `Problem` 403 for one of another site."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin", "")
    ours = {host_of(public_url(request)), request.host}
    if site not in {"same-origin", "none"} or (origin and (not host_of(origin) or host_of(origin) not in ours)):
        raise forged()


def host_of(address: str) -> str:
    """With its port; empty for what is no address."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def check_csrf(form: Form, expected: str) -> None:
    """Raises `Problem` 403."""
    if not is_ours(form, expected):
        raise forged()


def is_ours(form: Form, expected: str) -> bool:
    """It carries the token of its session."""
    return hmac.compare_digest(form.raw(CSRF_FIELD).encode("utf-8", "surrogatepass"), expected.encode())


def forged() -> Problem:
    return Problem(
        "forged-form",
        "This form did not come from a page of this service, or that page is out of date, so nothing was changed. Go "
        "back, reload the page, and send it again. Where that does not help, cookies are blocked, or BRIDGE_PUBLIC_URL "
        "is not the address in the browser's address bar.",
    )


def wrong_fields(problem: Problem) -> dict[str, str]:
    """What is wrong, by field: the place in the body without `#/`, and the sentence. `""` is for the whole form."""
    found = {str(one["pointer"]).removeprefix("#").removeprefix("/"): str(one["detail"]) for one in problem.errors}
    return found or {"": problem.detail}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of the fields that differ."""
    return [name for name, value in after.items() if before.get(name) != value]
