"""Which address a request came from, where it came through a reverse proxy. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SITE: Final = 64
"""One customer of a provider has at least so much, and takes any address of it for each request."""


def networks(text: str) -> tuple[Network, ...]:
    """Networks separated by commas; a single address is one of its own. Raises ValueError with what is wrong."""
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(","))
    except ValueError as problem:
        raise ValueError(f"give IP networks separated by commas, such as 127.0.0.1,10.0.0.0/8: {problem}") from None


def client(remote: str | None, forwarded: Iterable[str], trusted: Iterable[Network]) -> str | None:
    """The address that a request came from, of IPv6 its /64. None where nobody can know it.

    `remote`: who is connected to us. `forwarded`: the values of `X-Forwarded-For`, in order. Only what proxies of
    `trusted` wrote there is believed: each adds at the end whom it heard, and whatever stands before may be forged. A
    loopback address is nobody's: a proxy on this machine, of which nothing was said.
    """
    known = tuple(trusted)
    # From the nearest to the furthest.
    for one in (remote or "", *reversed(",".join(forwarded).split(","))):
        try:
            address = ipaddress.ip_address(one.strip())
        except ValueError:
            return None
        if isinstance(address, ipaddress.IPv6Address):
            address = address.ipv4_mapped or address
        if not any(address in network for network in known):
            return None if address.is_loopback else _scope(address)
    return None


def _scope(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((int(address), _SITE), strict=False))
