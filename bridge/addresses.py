"""Which addresses may be called: https on public hosts, unless the operator allows private ones.

A merchant types the address of a store, an API or a webhook; without this, that box would reach into the operator's
network.
The address is checked as written when it is saved, and every name again when it is resolved.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")
_LIFTED = "BRIDGE_ALLOW_PRIVATE_URLS lifts this for test shops"


class AddressRefused(ValueError):
    """The address is none, or may not be called."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet. Raises ValueError for what is no IP address.

    IPv4 inside IPv6 (mapped, 6to4, Teredo, NAT64) counts as the IPv4 address it leads to.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def normalise_url(url: str, *, allow_private: bool, keep_path: bool = False) -> str:
    """The one spelling of a base address: lower-case host, no default port, no trailing slash.

    Raises `AddressRefused` with what is wrong. `keep_path` is for stores that live in a folder of their host.
    """
    parts = urlsplit(url.strip())
    try:
        port = parts.port
    except ValueError:
        raise AddressRefused("the port of the address is not a number between 1 and 65535") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressRefused("the address must look like https://example.com")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("the address must not contain a user name or password")
    if parts.query or parts.fragment:
        raise AddressRefused("the address must not contain '?' or '#'")
    path = parts.path.rstrip("/")
    if path and not keep_path:
        raise AddressRefused("the address must end after the host name")
    host = _host(parts.hostname)
    if not allow_private:
        _refuse_private(parts.scheme, host)
    shown = f"[{host}]" if ":" in host else host
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, default} else "") + path


def _host(name: str) -> str:
    if ":" in name:
        return name.lower()
    try:
        return name.rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        raise AddressRefused(f"{name!r} is not a host name") from None


def _refuse_private(scheme: str, host: str) -> None:
    if scheme != "https":
        raise AddressRefused(f"the address must begin with https:// ({_LIFTED})")
    try:
        public = is_public(host)
    except ValueError:
        # inet_aton also takes 127.1 and 0x7f.1, which the system's resolver would follow
        try:
            public = is_public(socket.inet_ntoa(socket.inet_aton(host)))
        except OSError:
            public = "." in host and not host.endswith(tuple(f".{name}" for name in _LOCAL_NAMES))
    if not public:
        raise AddressRefused(f"{host} is a private or local address ({_LIFTED})")


class PublicResolver(AbstractResolver):
    """Resolves names for aiohttp and drops every private address found.

    aiohttp asks no resolver for an address written in digits: those are refused by `normalise_url`.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if found and not public:
            raise OSError(None, f"{host} leads to a private address")
        return public

    async def close(self) -> None:
        await self._inner.close()


async def date_offset(session: aiohttp.ClientSession, url: str, now: Callable[[], float]) -> float | None:
    """Our clock less the server's in seconds, by its Date header; None where it does not answer or sends none.

    Nothing is asked of it: any answer will do, an error too.
    """
    began = now()
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=5), allow_redirects=False) as answer:
            return clock_offset(answer.headers.get("Date"), (began + now()) / 2)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


def clock_offset(date: str | None, ours: float) -> float | None:
    """Our clock less theirs; they tell whole seconds, which are half a second old on average."""
    try:
        theirs = parsedate_to_datetime(date or "")
    except (ValueError, TypeError):
        return None
    return ours - theirs.timestamp() - 0.5 if theirs.tzinfo else None
