"""Another connector at work in the same store: named where it matters, before both act on one sale.

What the plugin told of registrations that are not ours is kept with the store's connection by connecting and doctor
(`facts["other_registrations"]`). Whether such a program creates orders or settles cancellations nobody can see from
here: a person is asked, once for each thing that is on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.attention import AttentionKind, Hold
from bridge.domain.settings import ShopSettings
from bridge.ports import Finding
from bridge.storage import attention, shops
from bridge.storage.connections import Connection, Connections
from bridge.storage.shops import Shop

FACT: Final = "other_registrations"
CODE: Final = "other_connector"
TOPICS: Final = frozenset({"orders/update", "creditmemos/update"})
"""Who hears of these may act on orders; who hears of products alone does not."""


@dataclass(frozen=True, slots=True)
class Other:
    """A program that the store's plugin tells as well."""

    host: str
    topics: tuple[str, ...]
    integrations: tuple[str, ...]

    def __str__(self) -> str:
        whose = f" (integration {', '.join(self.integrations)})" if self.integrations else ""
        return f"{self.host}{whose} for {' and '.join(self.topics)}"


def others_of(facts: Mapping[str, Any]) -> tuple[Other, ...]:
    """By host, of the registrations that were last read; none where they never were."""
    ours = str(facts.get("integration_id") or "")
    found: dict[str, tuple[set[str], set[str]]] = {}
    for one in facts.get(FACT) or ():
        if not isinstance(one, Mapping) or one.get("topic") not in TOPICS:
            continue
        integration = str(one.get("integration_id") or "")
        if integration and integration == ours:
            continue
        address = str(one.get("address") or "")
        topics, integrations = found.setdefault(urlsplit(address).hostname or address, (set(), set()))
        topics.add(str(one["topic"]))
        integrations.update({integration} - {""})
    return tuple(Other(host, tuple(sorted(t)), tuple(sorted(i))) for host, (t, i) in sorted(found.items()))


def does(settings: ShopSettings) -> tuple[str, ...]:
    """What of this shop both would do."""
    sync = settings.cancellation_sync
    on = (
        (settings.create_orders, "creating orders"),
        (sync.store_to_channel.enabled, "refund → TikTok Shop cancellation"),
        (sync.channel_to_store.enabled, "TikTok Shop cancellation → refund"),
    )
    return tuple(what for is_on, what in on if is_on) if settings.store else ()


def findings(shop: Shop, store: Connection | None) -> list[Finding]:
    """For the answer to whoever reads or changes the shop's settings."""
    others = others_of(store.facts) if store else ()
    doing = does(shop.settings)
    return [Finding("warning", CODE, _says([shop.name], doing, [other])) for other in others] if doing else []


def _says(names: list[str], doing: Iterable[str], others: Iterable[Other]) -> str:
    return (
        f"The store's plugin also tells {'; '.join(str(other) for other in others)}. For {', '.join(names)} this is on "
        f"here: {', '.join(doing)}. If that program does it for TikTok Shop as well, both act on the same sale, and "
        "Magento locks neither out: switch it off there, or here. When the program is gone, delete its integration in "
        "System › Integrations and run doctor."
    )


async def review(conn: AsyncConnection, book: Connections, connection_id: str) -> None:
    """Ask a person, or stop asking, as the store and the shops tied to it are now. A shop in dry run does nothing."""
    store = await book.get(conn, connection_id)
    if store is None or FACT not in store.facts:
        return
    others = others_of(store.facts)
    acting = [shop for shop in await shops.tied_to(conn, store.id) if not shop.settings.dry_run and does(shop.settings)]
    if not others or not acting:
        await attention.close(conn, connection_id=store.id, kinds=[AttentionKind.OTHER_CONNECTOR.value])
        return
    doing = list(dict.fromkeys(what for shop in acting for what in does(shop.settings)))
    facts = {
        "hosts": [other.host for other in others],
        "topics": sorted({topic for other in others for topic in other.topics}),
        "on": sorted(doing),
    }
    hold = Hold(AttentionKind.OTHER_CONNECTOR, _says([shop.name for shop in acting], doing, others), facts)
    await attention.raise_item(
        conn,
        kind=hold.kind.value,
        fingerprint=hold.fingerprint,
        title=f"{hold.text.title}: {store.name}",
        because=hold.because,
        what_to_do=hold.text.what_to_do,
        facts=dict(hold.facts),
        connection_id=store.id,
    )
