"""Who is told: a real mail server and a real webhook receiver on loopback; they keep what came, and fail if told to."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from standardwebhooks import Webhook


@dataclass
class Mailbox:
    """An SMTP server. `answers` are given instead of taking the mail, one after another."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    refuse: str = ""
    """Answer to each recipient."""
    answers: list[str] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def handle_RCPT(self, _server: Any, _session: Session, envelope: Envelope, address: str, _o: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:  # noqa: N802 -- aiosmtpd's name
        raw = envelope.content
        assert isinstance(raw, bytes)
        self.mails.append(email.message_from_bytes(raw, policy=email.policy.default))
        self.to += envelope.rcpt_tos
        return self.answers.pop(0) if self.answers else "250 taken"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        # Not handled: the server says 535 itself; else nobody answers, and what is tested is a time-out.
        return AuthResult(success=data.password == b"right", handled=False)


@contextlib.asynccontextmanager
async def mailbox(**options: Any) -> AsyncIterator[Mailbox]:
    box = Mailbox()
    if options.get("auth_required"):
        options["authenticator"] = box.authenticate

    def made() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it takes passwords without TLS is what is wanted here
            return SMTP(box, hostname="mail.test", **options)

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


@dataclass
class Receiver:
    """A webhook's receiver: verifies with the reference library, then answers as told."""

    url: str = ""
    secret: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    """Verified bodies, with `webhook-id`."""
    refused: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """Answered one after another; then 204."""
    hang: asyncio.Event | None = None

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower().startswith("webhook-")}
        try:
            body = Webhook(self.secret).verify(raw, headers)
        except Exception as problem:  # noqa: BLE001 -- kept, for the test to see
            self.refused.append(repr(problem))
            return web.Response(status=401, text="bad signature")
        self.got.append({"id": headers[next(n for n in headers if n.lower() == "webhook-id")], "raw": raw, **body})
        if self.hang is not None:
            await self.hang.wait()
        status = self.statuses.pop(0) if self.statuses else 204
        location = {"Location": f"{self.url}/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, headers=location, text=None if status == 204 else "said no")


@contextlib.asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    box = Receiver()
    app = web.Application()
    app.router.add_post("/{tail:.*}", box.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    box.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield box
    finally:
        await runner.cleanup()
