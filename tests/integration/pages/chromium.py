"""A real Chromium for the tests of the pages: one process for a whole run, a context of its own for each visitor."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Error, Locator, Page, async_playwright, expect
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import sessions, users
from tests.integration.pages.browsing import PASSWORD
from tests.integration.web.house import House

CHROMIUM: Final = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARTEFACTS: Final = os.environ.get("SCREENSHOTS")
"""A folder that keeps a picture of each step, for people: SCREENSHOTS=/tmp/pictures."""
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
_QUIET: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_AXE: Final = f"""async () => (await axe.run({{runOnly: {_RULES}}})).violations.map(
    (one) => `${{one.id}}: ${{one.help}}: ${{one.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}}`)"""
_axe = Path(AXE_FILE_PATH).read_text(encoding="utf-8")
_TOO_WIDE: Final = "document.documentElement.scrollWidth - innerWidth"
_EXPECTED: Final = re.compile(r"Failed to load resource: .* status of (403|404|409|422|429)\b")
"""The browser notes each refused form by itself."""


@asynccontextmanager
async def launched() -> AsyncIterator[Chromium]:
    """Costs a second; what it opens belongs to the event loop that launched it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visitor:
    """Somebody at a screen. `wrong` collects what the browser complained about."""

    page: Page
    url: str
    """Where the service is."""
    script: bool = True
    wrong: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def sign_in(self, name: str = "admin", password: str = PASSWORD) -> None:
        await self.go("/sign-in")
        await self.give(name, password)
        await self.page.get_by_role("button", name="Sign out").wait_for()

    async def enter(self, house: House, name: str = "admin") -> None:
        """Signed in by a cookie: hashing a password costs more than all the rest of a test."""

        async def begin(conn: AsyncConnection) -> str:
            user = await users.by_name(conn, name)
            assert user is not None
            return await sessions.begin(conn, user.id)

        value = await house.db.write(begin)
        secure = (house.desk.public_url or "").startswith("https://")
        cookie = "__Host-bridge_session" if secure else "bridge_session"
        await self.page.context.add_cookies(
            [{"name": cookie, "value": value, "domain": "127.0.0.1", "path": "/", "secure": secure, "httpOnly": True}]
        )

    async def give(self, name: str, password: str) -> None:
        """Name and password, into the form that is shown."""
        await self.page.get_by_label("Name").fill(name)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.page.keyboard.press("Enter")

    async def says(self, text: str) -> None:
        """Waits until what was just done is said."""
        await self.page.get_by_role("status").get_by_text(text).first.wait_for()

    async def has_focus(self, target: Locator, because: str = "") -> None:
        """Waits for it: a browser moves the focus a moment after the key or the page that moves it."""
        await expect(target, because or None).to_be_focused(timeout=20_000)

    async def reach(self, target: Locator, at_most: int = 120) -> None:
        """By the Tab key, as somebody without a mouse gets there; the focus must be seen there."""
        for _ in range(at_most):
            if await target.evaluate("one => one === document.activeElement"):
                outline = await target.evaluate("one => getComputedStyle(one).outlineStyle")
                assert outline != "none", "the focus is not to be seen"
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} is not reached by the Tab key")

    async def fits(self) -> None:
        """Nothing is scrolled sideways."""
        wide = await self.page.evaluate(_TOO_WIDE)
        assert wide <= 0, f"{self.page.url} is wider than the screen by {wide}"

    async def axe(self) -> list[str]:
        """What axe finds. The policy lets no page run a script put into it; the debugger may."""
        await self.page.evaluate(_axe)
        return [str(one) for one in await self.page.evaluate(_AXE)]

    async def keep(self, name: str) -> None:
        """A picture of the whole page, where somebody asked for pictures."""
        if ARTEFACTS:
            await self.page.screenshot(path=Path(ARTEFACTS) / f"{name}.png", full_page=True)


@asynccontextmanager
async def visiting(
    chromium: Chromium, url: str, *, script: bool = True, width: int = 1280, **context: Any
) -> AsyncIterator[Visitor]:
    """With cookies of their own; `context` goes to Playwright. What the browser complains about fails the test, but for
    refusals that a test provokes.
    """
    opened = await chromium.new_context(viewport={"width": width, "height": 900}, java_script_enabled=script, **context)
    opened.set_default_timeout(20_000)
    visitor = Visitor(await opened.new_page(), url, script)

    def note(said: ConsoleMessage) -> None:
        if said.type == "error" and not _EXPECTED.search(said.text):
            visitor.wrong.append(f"{visitor.page.url}: {said.text}")

    def failed(error: Error) -> None:
        visitor.wrong.append(f"{visitor.page.url}: {error.message}")

    visitor.page.on("console", note)
    visitor.page.on("pageerror", failed)
    try:
        yield visitor
    finally:
        await opened.close()
    assert not visitor.wrong, "\n".join(visitor.wrong)
