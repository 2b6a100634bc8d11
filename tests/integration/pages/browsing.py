"""A browser without script, as far as the pages need one: cookies, links, forms filled in as they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from bridge.storage.users import Role
from bridge.web.users import add_user
from tests.integration.web.house import House

PASSWORD = "a sentence to remember"


@dataclass
class FoundForm:
    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    """As the browser would send them untouched."""
    boxes: set[str] = field(default_factory=set)
    """Names of check boxes, ticked or not."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[FoundForm] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._form: FoundForm | None = None
        self._select: str | None = None
        self._first: str | None = None
        self._chosen: list[str] = []
        self._option: list[str] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = {name: value or "" for name, value in attrs}
        if tag in {"style", "script"}:
            self._silent += 1
        elif tag == "a" and "href" in one:
            self.links.append(one["href"])
        elif tag == "form":
            self._form = FoundForm(one.get("action", ""), one.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input" and one.get("name") and "disabled" not in one:
            if one.get("type") == "checkbox":
                self._form.boxes.add(one["name"])
            if one.get("type") not in {"checkbox", "radio"} or "checked" in one:
                self._form.fields.append((one["name"], one.get("value", "")))
        elif tag == "select":
            self._select, self._first, self._chosen = one.get("name"), None, []
        elif tag == "option" and self._select:
            value = one.get("value")
            self._option = [] if value is None else None
            if value is not None:
                self._first = value if self._first is None else self._first
                if "selected" in one:
                    self._chosen.append(value)
            elif "selected" in one:
                self._chosen.append("\0next")
        elif tag == "textarea":
            self._area = (one.get("name", ""), [])

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "script"}:
            self._silent -= 1
        elif tag == "form":
            self._form = None
        elif tag == "option" and self._option is not None:
            text = "".join(self._option).strip()
            self._first = text if self._first is None else self._first
            self._chosen = [text if one == "\0next" else one for one in self._chosen]
            self._option = None
        elif tag == "select" and self._form and self._select:
            for value in self._chosen or ([self._first] if self._first is not None else []):
                self._form.fields.append((self._select, value))
            self._select = None
        elif tag == "textarea" and self._form and self._area:
            self._form.fields.append((self._area[0], "".join(self._area[1]).removeprefix("\n")))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.words.append(data)
        if self._option is not None:
            self._option.append(data)
        if self._area is not None:
            self._area[1].append(data)


@dataclass
class Page:
    status: int
    url: str
    """Path and query where the browser stands, after what it followed."""
    headers: Any
    html: str

    def __post_init__(self) -> None:
        reader = _Reader()
        reader.feed(self.html)
        self.forms = reader.forms
        self.links = reader.links
        self.words = " ".join(" ".join(reader.words).split())
        """What a reader sees, blanks folded."""

    def form(self, action: str) -> FoundForm:
        """The form that goes to this address, or to one below it."""
        found = [one for one in self.forms if one.action.split("?")[0] == action]
        found += [one for one in self.forms if one.action.startswith(f"{action}/")]
        assert found, f"no form to {action} on {self.url}; there are {[one.action for one in self.forms]}"
        return found[0]


class Browser:
    def __init__(self, house: House, address: str | None = "203.0.113.7") -> None:
        """`address`: what the proxy in front of the house says of where this browser is; None for nothing."""
        self.house = house
        self.cookies: dict[str, str] = {}
        self._forwarded = {"X-Forwarded-For": address} if address else {}

    async def get(self, path: str) -> Page:
        return await self.send("GET", path)

    async def submit(self, page: Page, action: str, _button: tuple[str, str] | None = None, **fields: Any) -> Page:
        """The form as it stands, with these fields: a text, a list of texts, or True and False for a box."""
        form = page.form(action)
        sent = [(name, value) for name, value in form.fields if name not in fields]
        for name, value in fields.items():
            if isinstance(value, bool):
                sent += [(name, "yes")] if value else []
            else:
                sent += [(name, one) for one in (value if isinstance(value, (list, tuple)) else [value])]
        if _button:
            sent.append(_button)
        if form.method == "get":
            return await self.send("GET", form.action, params=sent)
        return await self.send("POST", form.action, data=aiohttp.FormData(sent, charset="utf-8"), at=page.url)

    async def send(self, method: str, path: str, *, at: str = "", **more: Any) -> Page:
        """Follows what the answer leads to."""
        assert self.house.session is not None
        for _ in range(5):
            headers = {"Accept": "text/html", **self._forwarded, **more.pop("headers", {})}
            if self.cookies:
                headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            if at:
                headers |= {"Referer": self.house.url + at, "Origin": self.house.url, "Sec-Fetch-Site": "same-origin"}
            async with self.house.session.request(
                method, self.house.url + path, headers=headers, allow_redirects=False, **more
            ) as answer:
                self._keep(answer.headers.getall("Set-Cookie", []))
                html = await answer.text()
                where = answer.url.raw_path_qs
                if answer.status not in {302, 303}:
                    return Page(answer.status, where, answer.headers, html)
                target = urlsplit(urljoin(where, answer.headers["Location"]))
            path = target.path + (f"?{target.query}" if target.query else "")
            method, at, more = "GET", "", {}
        raise AssertionError(f"led in circles to {path}")

    def _keep(self, headers: list[str]) -> None:
        for header in headers:
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    async def sign_in(self, name: str = "admin", password: str = PASSWORD, path: str = "/sign-in") -> Page:
        return await self.submit(await self.get(path), "/sign-in", name=name, password=password)


async def signed_in(house: House, name: str = "admin", role: Role = Role.MANAGER) -> Browser:
    await add_user(house.db, name, PASSWORD, role.value, "test")
    browser = Browser(house)
    page = await browser.sign_in(name)
    assert page.status == 200, page.words
    assert "Sign out" in page.words
    return browser
