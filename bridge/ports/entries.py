"""How a platform enters the service: what it is given, and what it gives. One `Entry` for each folder of connectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from bridge.ports.connecting import ChannelAuthorization, Connector, FoundShop, StoreHandshake
from bridge.ports.doors import Door
from bridge.ports.pacing import Pace
from bridge.ports.platforms import Clock, Platform
from bridge.ports.sides import Channel, Store

if TYPE_CHECKING:
    import aiohttp

Renew = Callable[[Mapping[str, Any]], Awaitable[tuple[Mapping[str, Any], datetime | None]]]
"""Credentials → credentials with a fresh token, and when that ends. Raises `RemoteProblem`."""


class TokenSource(Protocol):
    """Where a client gets its access token from. Storing, and renewing once for all processes, is the core's part."""

    async def access_token(self) -> str: ...

    async def refreshed(self, stale: str) -> str:
        """A token newer than `stale`. Raises `RemoteProblem` with `Reauth` when there is none to be had."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What every platform is given."""

    session: aiohttp.ClientSession
    """For all calls; names resolve to public addresses only, unless private ones are allowed."""
    clock: Clock
    pace: Pace
    """Counts calls for every process, for platforms that limit them across all."""
    allow_private: bool = False
    """Whether addresses inside the operator's own network may be called."""
    public_url: str = ""
    """Where the internet reaches this service; empty where nobody said."""


@dataclass(frozen=True, slots=True)
class Account:
    """A stored connection, as far as its connector needs it."""

    id: str
    url: str
    credentials: Mapping[str, Any] = field(repr=False)
    kept: TokenSource | None = field(default=None, repr=False)
    plugin_override: str | None = None
    """The plugin version an operator says is really installed."""

    @property
    def tokens(self) -> TokenSource:
        """Raises TypeError for a platform that renews nothing: it reads its credentials."""
        if self.kept is None:
            raise TypeError("nothing is renewed for this platform: its entry names no `renew`")
        return self.kept


@dataclass(frozen=True, slots=True)
class Assembled:
    """A platform, ready to work."""

    connector: Connector
    door: Door | None = None
    """None where the platform sends nothing to us."""
    open_store: Callable[[Account], Store] | None = None
    open_channel: Callable[[Account, FoundShop], Channel] | None = None
    renew: Renew | None = None
    """Where its tokens end and are renewed by us."""
    handshake: StoreHandshake | None = None
    """Where a store can connect itself."""
    authorization: ChannelAuthorization | None = None
    """Where a seller can authorize us in a browser."""


@dataclass(frozen=True, slots=True)
class Entry:
    platform: Platform
    assemble: Callable[[Parts], Assembled]
