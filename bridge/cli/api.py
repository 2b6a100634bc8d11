"""The service's JSON API as the commands use it: one blocking call after another, nothing kept open."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from bridge.cli.failing import Failed

SECONDS = 90.0
"""Connecting and doctor call the other side while we wait."""
JsonObject = dict[str, Any]


class NoService(Failed):
    """Nothing answers at the address."""


class ApiProblem(Failed):
    """The service answered with a problem (RFC 9457)."""

    def __init__(self, status: int, body: JsonObject, hint: str = "") -> None:
        super().__init__(_words(body, status, hint))
        self.status = status
        self.body = body

    @property
    def slug(self) -> str:
        return str(self.body.get("type", "")).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Api:
    """`token` is sent with every call; None where none is known, and the service will ask for it."""

    url: str
    token: str | None = field(default=None, repr=False)
    token_from: str = ""
    """Where the token was found, for the error that says it is the wrong one."""

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return self.call("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, {} if body is None else body)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Raises `ApiProblem`, `NoService`."""
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        status, text = send(self.url, method, path, headers, None if body is None else json.dumps(body))
        try:
            found = json.loads(text) if text else None
        except ValueError:
            raise NoService(f"{self.url} answers, but is no bridge ({status}). Check --url or BRIDGE_URL.") from None
        if status >= 400:
            raise ApiProblem(status, found if isinstance(found, dict) else {}, self._hint(status))
        return found

    @contextlib.contextmanager
    def stream(self, path: str, query: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """The answer's headers and its body piece by piece. Raises `ApiProblem`, `NoService`, also in the middle."""
        given = {name: value for name, value in query.items() if value is not None}
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        connection = connected(self.url)
        try:
            with _told(self.url):
                connection.request(
                    "GET", urlsplit(self.url).path.rstrip("/") + f"{path}?{urlencode(given)}", headers=headers
                )
                answer = connection.getresponse()
            if answer.status >= 400:
                with _told(self.url):
                    text = answer.read().decode("utf-8", "replace")
                try:
                    found = json.loads(text)
                except ValueError:
                    raise NoService(f"{self.url} answers, but is no bridge ({answer.status}).") from None
                raise ApiProblem(answer.status, found, self._hint(answer.status))
            yield dict(answer.headers), _pieces(self.url, answer)
        finally:
            connection.close()

    def _hint(self, status: int) -> str:
        if status != 401:
            return ""
        if self.token:
            return f"The token from {self.token_from} is not the one of the service at {self.url}."
        return "Set BRIDGE_API_TOKEN, or BRIDGE_DATA_DIR to the folder in which the service keeps its api-token file."


def send(base: str, method: str, path: str, headers: Mapping[str, str], body: str | None) -> tuple[int, str]:
    """Status and text. Raises `NoService`, `Failed` for an address that is none."""
    connection = connected(base)
    try:
        with _told(base):
            connection.request(method, urlsplit(base).path.rstrip("/") + path, body and body.encode(), dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def connected(base: str) -> http.client.HTTPConnection:
    """To the service; nothing is sent yet. Raises `Failed` for an address that is none."""
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Failed(f"{base!r} is no address of a service; it looks like http://127.0.0.1:8080", 2)
    with _told(base):
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=SECONDS, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=SECONDS)


@contextlib.contextmanager
def _told(base: str) -> Iterator[None]:
    """A call that fails on the way is told in a sentence."""
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as problem:
        because = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        raise NoService(
            f"no service answers at {base} ({because}). Start it with `bridge serve`, or name its address with --url "
            "or BRIDGE_URL."
        ) from None


def _pieces(base: str, answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """Raises `NoService` where the answer ends before its end."""
    try:
        while piece := answer.read1(65_536):
            yield piece
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise NoService(f"the service at {base} broke off in the middle ({type(problem).__name__})") from None


def segment(text: str) -> str:
    """Somebody's id as one part of a path."""
    return quote(text, safe="")


def service(url: str | None = None) -> Api:
    """The service meant by --url, BRIDGE_URL or the settings, with the token of BRIDGE_API_TOKEN or the data folder."""
    from bridge.cli.settled import config

    here = config()
    address = url or os.environ.get("BRIDGE_URL") or f"http://{_reachable(here.host)}:{here.port}"
    if here.api_token is not None:
        return Api(address.rstrip("/"), here.api_token.get_secret_value(), "BRIDGE_API_TOKEN")
    file = here.data_dir / "api-token"
    try:
        return Api(address.rstrip("/"), file.read_text().strip(), str(file))
    except OSError:
        return Api(address.rstrip("/"))


def _reachable(host: str) -> str:
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound to
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _words(body: JsonObject, status: int, hint: str) -> str:
    """What, where, and what to do, each on its line."""
    title = str(body.get("title") or f"the service answered {status}")
    lines = [title, str(body.get("detail") or "")]
    errors = [error for error in body.get("errors", []) if isinstance(error, dict)]
    lines += [f"at {str(error.get('pointer', ''))[2:] or 'the body'}: {error.get('detail', '')}" for error in errors]
    lines += [f"{found['level']}: {found['text']}" for found in body.get("findings", []) if isinstance(found, dict)]
    kept = list(dict.fromkeys(line for line in (*lines, hint) if line))
    return "\n  ".join(kept)
