"""Alerts by e-mail, through the operator's own mail server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

import aiosmtplib

from bridge.alerting.mail_server import MailServer, is_address
from bridge.alerting.message import subject, text
from bridge.domain.alerting import Message
from bridge.domain.outcomes import Done, Outcome, Rejected, Retry, Unknown
from bridge.ports import NewTarget

SECONDS = 20.0
_POLICY = SMTP.clone(max_line_length=300)
"""A subject fits on one line: folded, many readers show a space at its front."""
_MISSING = "BRIDGE_SMTP_URL is not set: name the mail server there, and the sender in BRIDGE_SMTP_FROM, and restart"


@dataclass(frozen=True, slots=True)
class EmailSender:
    """Implements `ports.AlertSender`."""

    server: MailServer | None
    public_url: str

    def check(self, address: str, secret: str | None) -> NewTarget:
        """Raises ValueError with what is wrong."""
        if secret:
            raise ValueError("an e-mail target has no secret")
        if not is_address(address.strip()):
            raise ValueError("must be one e-mail address, such as night-shift@example.com")
        if self.server is None:
            raise ValueError(_MISSING)
        return NewTarget(address.strip(), {})

    async def send(self, address: str, secrets: Mapping[str, Any], message: Message) -> Outcome:  # noqa: ARG002 -- the port's signature; a mail needs none
        server = self.server
        if server is None:
            return Retry(_MISSING)
        mail = mail_of(message, server.sender, address, self.public_url)
        # Reads the system's certificates from files.
        context = await asyncio.to_thread(ssl.create_default_context)
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            timeout=SECONDS,
            use_tls=server.implicit_tls,
            start_tls={"always": True, "never": False, "auto": None}[server.starttls]
            if not server.implicit_tls
            else False,
            tls_context=context,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as problem:
            client.close()
            return Retry(f"the mail server {server.host} cannot be used: {_words(problem)}", needs_person=True)
        try:
            _, said = await client.sendmail(server.sender, [address], mail.as_bytes())
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [one.code for one in refused.recipients]
            because = f"the mail server refuses {address}: {_words(refused.recipients[0])}"
            return Rejected(because, str(codes[0])) if all(code >= 500 for code in codes) else Retry(because)
        except aiosmtplib.SMTPResponseException as refused:
            return Retry(f"the mail server refused the message: {_words(refused)}")
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as problem:
            # It may have taken the message: a repeat carries the same Message-ID.
            return Unknown(f"the mail server {server.host} was lost while it took the message: {_words(problem)}")
        finally:
            client.close()
        return Done(reference=_short(said))


def mail_of(message: Message, sender: str, to: str, public_url: str) -> EmailMessage:
    """The same Message-ID for the same message: a server or reader that keeps one of each shows it once."""
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = sender
    mail["To"] = to
    mail["Subject"] = subject(message)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = f"<{message.id}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text(message, public_url))
    return mail


def _words(problem: Exception) -> str:
    """The server's own words: its code and text. Never what was sent to it."""
    if isinstance(problem, aiosmtplib.SMTPResponseException):
        return _short(f"{problem.code} {problem.message}")
    return _short(getattr(problem, "strerror", None) or str(problem) or type(problem).__name__)


def _short(words: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in words)
    return line if len(line) <= 200 else line[:200] + "…"
