"""Errors as `application/problem+json` (RFC 9457): a stable `type`, and a `detail` that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from bridge.ports import ActionRefused
from bridge.storage.errors import CommitUnknown, InUse, NotFound, StorageProblem, WrongSecretKey
from bridge.storage.rows import BadCursor

CATALOGUE: Final[Mapping[str, tuple[int, str]]] = {
    "bad-request": (400, "The request cannot be read"),
    "bad-delivery": (400, "The delivery cannot be read"),
    "token-required": (401, "A valid API token is needed"),
    "bad-signature": (401, "The signature does not match"),
    "not-announced": (403, "No connection waits for this store"),
    "link-used": (403, "The link is used up"),
    "forged-form": (403, "The form was not accepted"),
    "not-allowed": (403, "You may not do this"),
    "scope-missing": (403, "The API token may not do this"),
    "not-found": (404, "There is no such thing"),
    "unknown-connection": (404, "No such connection"),
    "no-cancellation-settings": (404, "This store has no cancellation settings"),
    "method-not-allowed": (405, "The method is not allowed here"),
    "timeout": (408, "The request took too long"),
    "conflict": (409, "Not possible as things stand"),
    "in-use": (409, "Something still lives on it"),
    "too-large": (413, "The body is too large"),
    "media-type": (415, "The body is of the wrong type"),
    "invalid": (422, "Some values are not valid"),
    "remote-refused": (422, "The other side refused"),
    "credentials-refused": (422, "The other side does not accept the credentials"),
    "busy": (429, "Too much at once"),
    "internal": (500, "Something went wrong in the bridge"),
    "remote-unavailable": (502, "The other side cannot be reached"),
    "storage-unavailable": (503, "The database cannot be used"),
    "secret-unavailable": (503, "A secret cannot be loaded"),
    "not-ready": (503, "Not ready"),
}
"""Slug → status and title. The `type` of a problem is `/problems/<slug>`."""


class Problem(Exception):
    """An answer that is an error. What pages show of it is `detail`; the API goes on with `where`."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        where: str = "",
        errors: Iterable[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """`where`: a sentence about routes, which says nothing to people who look at a page."""
        super().__init__(detail)
        self.slug = slug
        self.status, self.title = CATALOGUE[slug]
        self.detail = detail
        self.where = where
        self.errors = [dict(error) for error in errors]
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": f"{self.detail} {self.where}" if self.where else self.detail,
        }
        if self.errors:
            found["errors"] = self.errors
        return found | self.more

    def response(self) -> web.Response:
        return web.Response(
            body=json.dumps(self.body()).encode(),
            status=self.status,
            headers=self.headers,
            content_type="application/problem+json",
        )


def invalid(pointer: str, text: str, *, where: str = "") -> Problem:
    """One wrong value. `pointer` is a JSON pointer into the body, such as `/credentials/app_key`."""
    return Problem("invalid", text, where=where, errors=[{"pointer": f"#{pointer}", "detail": text}])


def unknown(what: str, path: str) -> Problem:
    """404 for an id that is not there. `what`: an API token, a shop, …; `path` is the list of them."""
    return Problem("not-found", f"There is no {what} of this id.", where=f"GET {path} lists them.")


def of_remote(problem: RemoteProblem, what: str = "") -> Problem:
    """`what` was being done when the other side failed."""
    outcome = problem.outcome
    because = f"{what}: {outcome.because}" if what else outcome.because
    if isinstance(outcome, Retry):
        after = {"Retry-After": str(max(1, round(outcome.after)))} if outcome.after else {}
        return Problem("remote-unavailable", f"{because} (try again later)", headers=after)
    return Problem("credentials-refused" if isinstance(outcome, Reauth) else "remote-refused", because)


def of_storage(problem: StorageProblem) -> Problem:
    if isinstance(problem, InUse):
        return Problem("in-use", str(problem))
    if isinstance(problem, NotFound):
        return Problem("not-found", str(problem))
    later = {"Retry-After": "10"}
    if isinstance(problem, WrongSecretKey):
        return Problem("secret-unavailable", str(problem), headers=later)
    if isinstance(problem, CommitUnknown):
        detail = "The database was lost while it wrote: the change may be made or not. Read before asking again."
        return Problem("storage-unavailable", detail, headers=later)
    # Its text names the database's host and user, which is for logs and doctor.
    detail = (
        "The database cannot be used now. What was asked is not done, or not to its end: ask again shortly, and see "
        "`bridge doctor`."
    )
    return Problem("storage-unavailable", detail, headers=later)


def of_http(problem: web.HTTPException) -> Problem:
    """aiohttp's own errors."""
    if isinstance(problem, web.HTTPRequestEntityTooLarge):
        return Problem("too-large", "The body is larger than this address takes; nothing was read.")
    if isinstance(problem, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(problem.allowed_methods))
        detail = f"{problem.method} is not possible here; possible: {allowed}."
        return Problem("method-not-allowed", detail, headers={"Allow": allowed})
    if problem.status == 404:
        return Problem("not-found", "Nothing lives at this address.", where="/api/v1/openapi.json lists what does.")
    return Problem("bad-request", "The request is not one that HTTP allows.")


def as_problem(error: Exception) -> Problem | None:
    """The answer to an error that is part of the game; None for a mistake of ours."""
    match error:
        case Problem():
            return error
        case web.HTTPException():
            return of_http(error)
        case ActionRefused():
            return Problem("conflict", str(error))
        case RemoteProblem():
            return of_remote(error)
        case StorageProblem():
            return of_storage(error)
        case BadCursor():
            return invalid("/cursor", str(error))
        case web.RequestPayloadError():
            return Problem("bad-request", "The body ended before it was whole.")
        case TimeoutError():
            return Problem("timeout", "The request did not come to its end in time.")
    return None
