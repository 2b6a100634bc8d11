"""Asks TikTok Shop to send its messages to us, and confirms by listing (Partner Center, Event API)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from bridge.connectors.tiktok.client import Client
from bridge.connectors.tiktok.events import SUBSCRIBED, topic_of
from bridge.connectors.tiktok.protocol import GET_WEBHOOKS, PUT_WEBHOOK, Answer, call
from bridge.connectors.tiktok.reading import Unreadable, items
from bridge.domain.outcomes import AlreadyDone, Done, Rejected, RemoteProblem
from bridge.ports import Finding, FoundShop

MAX_ADDRESS = 255
"""Characters (Partner Center, "Configuration guide")."""


def hook_addresses(public_url: str, app_key: str) -> dict[str, str]:
    """Event → the address it is sent to: one path per event."""
    return {event: f"{public_url.rstrip('/')}/hooks/tiktok/{app_key}/{topic_of(event)}" for event in SUBSCRIBED}


def address_finding(public_url: str) -> Finding | None:
    """What TikTok will not like about our public address: https, a domain name, no port, at most 255 characters."""
    parts = urlsplit(public_url)
    host, wrong = parts.hostname or "", []
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "https":
        wrong.append("it must begin with https://")
    if port is not None:
        wrong.append("it must not name a port")
    if "." not in host or _is_ip(host):
        wrong.append("it must be a domain name, not an IP address")
    if len(public_url) > MAX_ADDRESS - 80:
        wrong.append("it is too long")
    if not wrong:
        return None
    return Finding(
        "warning",
        "public_url",
        f"TikTok sends messages only to public addresses, and {public_url or '(none set)'} is not one: "
        f"{', '.join(wrong)}. Set BRIDGE_PUBLIC_URL; until then changes are found by the sweep.",
    )


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def register(client: Client, shop: FoundShop, addresses: Mapping[str, str], *, mend: bool) -> list[Finding]:
    """Set what is missing or points elsewhere, list again, and say what is so. Raises nothing remote.

    Without `mend` nothing is set: what stands is said.
    """
    try:
        before = await _listed(client, shop)
        if not mend:
            return _standing(shop, before, addresses)
        refused: dict[str, str] = {}
        for event, address in addresses.items():
            if before.get(event) != address:
                refused |= await _put(client, shop, event, address)
        after = before if before.items() >= addresses.items() else await _listed(client, shop)
    except RemoteProblem as problem:
        text = f"{shop.name}: the messages could not be registered; changes are found by the sweep. {problem}"
        return [Finding("error", "webhooks_unreachable", text)]
    findings = [
        Finding("warning", "webhook_missing", f"{shop.name}: TikTok does not send {event}: {_why(event, refused)}")
        for event, address in addresses.items()
        if after.get(event) != address
    ]
    moved = [event for event, address in addresses.items() if before.get(event) not in {None, address}]
    if moved:
        text = f"{shop.name}: these messages went to another address before and now come here: {', '.join(moved)}"
        findings.append(Finding("warning", "webhooks_moved", text))
    if made := [event for event in addresses if event not in before and event in after]:
        text = f"{shop.name}: these messages were not asked for, and are now: {', '.join(made)}"
        findings.append(Finding("ok", "webhooks_mended", text))
    if not any(one.level == "warning" for one in findings):
        findings.append(Finding("ok", "webhooks", f"{shop.name}: TikTok sends {len(addresses)} kinds of messages here"))
    return findings


def _standing(shop: FoundShop, listed: Mapping[str, str], addresses: Mapping[str, str]) -> list[Finding]:
    wrong = {event: listed.get(event) for event, address in addresses.items() if listed.get(event) != address}
    if not wrong:
        return [Finding("ok", "webhooks", f"{shop.name}: TikTok sends {len(addresses)} kinds of messages here")]
    found = []
    if missing := [event for event, address in wrong.items() if address is None]:
        text = f"{shop.name}: TikTok is not asked to send {', '.join(missing)}. Run doctor with mending to ask for it."
        found.append(Finding("error", "webhook_missing", text))
    for event, address in wrong.items():
        if address is not None:
            text = (
                f"{shop.name}: {event} goes to {address} and not here. Another program uses the same app, or our "
                "address changed; run doctor with mending to have it sent here."
            )
            found.append(Finding("error", "webhook_elsewhere", text))
    return found


def _why(event: str, refused: Mapping[str, str]) -> str:
    return refused.get(event, "it took the registration but does not list it; connect again")


async def _listed(client: Client, shop: FoundShop) -> dict[str, str]:
    answer = await client.read(call(GET_WEBHOOKS, cipher=shop.cipher))
    try:
        rows = items(answer.data, "webhooks")
    except Unreadable as problem:
        raise RemoteProblem(Rejected(str(problem), "unreadable")) from problem
    return {str(row.get("event_type")): str(row.get("address")) for row in rows}


async def _put(client: Client, shop: FoundShop, event: str, address: str) -> dict[str, str]:
    body = {"address": address, "event_type": event}
    outcome = await client.write(call(PUT_WEBHOOK, cipher=shop.cipher, body=body))
    if isinstance(outcome, (Answer, Done, AlreadyDone)):
        return {}
    return {event: outcome.because}
