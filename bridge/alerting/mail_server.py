"""The operator's mail server, as one address of the settings. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
StartTls = Literal["always", "auto", "never"]


@dataclass(frozen=True, slots=True)
class MailServer:
    host: str
    port: int
    sender: str
    implicit_tls: bool
    """TLS from the first byte (`smtps`)."""
    starttls: StartTls
    username: str | None = None
    password: str | None = field(default=None, repr=False)


def is_address(text: str) -> bool:
    """One plain address, without a name."""
    return _ADDRESS.fullmatch(text) is not None


def mail_server(url: str, sender: str) -> MailServer:
    """Read `smtp[s]://user:password@host:port?starttls=always|auto|never`. Raises ValueError, never with the password.

    With a user, STARTTLS is demanded unless the URL says otherwise: a password does not travel in the clear by default.
    """
    looks = "it looks like smtp://user:password@mail.example.com:587 or smtps://mail.example.com"
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port in BRIDGE_SMTP_URL is not a number between 1 and 65535") from None
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path not in {"", "/"} or parts.fragment:
        raise ValueError(f"BRIDGE_SMTP_URL names no mail server; {looks}")
    given = parse_qs(parts.query, keep_blank_values=True)
    if set(given) - {"starttls"}:
        raise ValueError("BRIDGE_SMTP_URL knows one option: ?starttls=always, auto or never")
    said = given.get("starttls", ["always" if parts.username else "auto"])[-1]
    starttls: StartTls
    match said:
        case "always" | "auto" | "never":
            starttls = said
        case _:
            raise ValueError("starttls in BRIDGE_SMTP_URL must be always, auto or never")
    if (parts.username is None) != (parts.password is None):
        raise ValueError("BRIDGE_SMTP_URL has a user without a password, or the other way round")
    if not is_address(sender):
        raise ValueError("BRIDGE_SMTP_FROM must be one e-mail address, such as bridge@example.com")
    return MailServer(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587 if parts.username else 25),
        sender=sender,
        implicit_tls=parts.scheme == "smtps",
        starttls=starttls,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
