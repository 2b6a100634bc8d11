"""How a platform is connected to, looked at, and authorized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bridge.domain.outcomes import RemoteProblem


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found while connecting or by doctor: right, worth knowing, or wrong, and what to do."""

    level: str
    """`ok`, `warning` or `error`."""
    code: str
    """A stable word."""
    text: str
    """A sentence for the merchant that says what to do where something is to be done."""


@dataclass(frozen=True, slots=True)
class FoundShop:
    channel_shop_id: str
    name: str
    region: str
    cipher: str
    seller_type: str = ""


@dataclass(frozen=True, slots=True)
class Connected:
    """What connecting brought to light. `credentials` replaces what is stored (tokens may have been exchanged)."""

    credentials: Mapping[str, Any]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Kept with the connection and shown: plugin version, views, mode (`full`, `sweep-only`), …"""
    shops: tuple[FoundShop, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a connection before doctor looks at it again."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    plugin_override: str | None = None
    """The plugin version an operator says is really installed."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What doctor found on the other side, whatever was wrong there."""

    findings: tuple[Finding, ...]
    connected: Connected | None = None
    """None: the credentials could not be proven; `problem` says why."""
    problem: RemoteProblem | None = None
    clock_offset: float | None = None
    """Our clock less theirs, in seconds, by their Date header; None where they sent none."""
    last_change: datetime | None = None
    """The newest change, by their clock, of what they should have told us about; None where that was not read."""


@dataclass(frozen=True, slots=True)
class TestDelivery:
    """A delivery as the remote itself would send it, signed with its key, that names nothing. Pure data."""

    __test__ = False  # not a test case, whatever its name

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    signature_header: str
    """The header that carries the signature."""
    seconds: float
    """How long the remote would wait for an answer."""


TEST_TOPIC = "test-delivery"
"""`Hint.topic` of a delivery that doctor sent; its `subject` is doctor's mark. It is stored like any other and leads to
no order: nothing is read or done because of it.
"""


class Connector(Protocol):
    """One kind of platform: how to connect to it."""

    kind: str

    def normalise(self, url: str | None) -> str:
        """The connection's url in its one spelling. Raises ValueError with what is wrong."""
        ...

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        """Credentials in their stored shape. Raises ValueError with what is wrong, where, and what to do."""
        ...

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]: ...

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:
        """Prove the credentials, read what the remote is, register for its messages and confirm by listing.

        Raises `RemoteProblem`. Doing it again mends registrations.
        """
        ...

    async def examine(
        self,
        connection_id: str,
        url: str,
        credentials: Mapping[str, Any],
        public_url: str,
        *,
        mend: bool,
        known: Known,
    ) -> Examined:
        """Doctor: look at everything that can be right or wrong, and say of each what was seen and what to do.

        One check that fails does not keep the others from being made. Raises nothing remote, and ends within half a
        minute. `mend`: bring the registrations to what we want; else they are only looked at.
        """
        ...

    async def clock_offset(self, url: str) -> float | None:
        """Our clock less theirs in seconds, asked without credentials; None where it cannot be told."""
        ...

    def test_delivery(
        self, connection_id: str, credentials: Mapping[str, Any], public_url: str, mark: str
    ) -> TestDelivery | None:
        """What the remote would send to our public address, made by us; None where no key to sign it with is known.

        `mark`: letters and digits by which it is known again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Announced:
    """What Magento's *Activate* posts to the callback. Not signed: proven only by the token exchange."""

    store_base_url: str
    consumer_key: str
    consumer_secret: str
    verifier: str


class StoreHandshake(Protocol):
    """Magento's integration handshake."""

    def read_callback(self, form: Mapping[str, str]) -> Announced:
        """Raises ValueError with what is missing."""
        ...

    async def exchange(self, announced: Announced) -> Mapping[str, Any]:
        """Request token, access token → the connection's credentials. Raises `RemoteProblem`."""
        ...


class ChannelAuthorization(Protocol):
    """TikTok Shop's authorization of a seller."""

    def authorize_url(self, credentials: Mapping[str, Any], state: str) -> str: ...

    async def exchange(self, credentials: Mapping[str, Any], code: str) -> Mapping[str, Any]:
        """Code → credentials with tokens. Raises `RemoteProblem`."""
        ...
