"""Whether a store can hold what it has not sent yet, asked before somebody counts on it."""

from __future__ import annotations

from bridge.domain.outcomes import RemoteProblem
from bridge.storage.connections import Connection
from bridge.web.desk import WebDesk
from bridge.web.plugin import keep_capabilities
from bridge.web.problems import invalid

POINTER = "/buyer_requests/hold_fulfilment"


def may_hold(desk: WebDesk, store: Connection | None) -> bool:
    """It can, or it is a store that could and was not asked yet, or that lacked a permission when it was."""
    platform = desk.platforms.get(store.kind) if store is not None else None
    return platform is not None and platform.may_hold


async def check_holds(desk: WebDesk, store: Connection | None) -> None:
    """Raises `Problem` 422 where nothing would ever be held. A store that cannot be asked now is taken at what it said
    last; where nobody knows, the order's story will tell.
    """
    if store is None:
        return
    if not may_hold(desk, store):
        platform = desk.platforms.get(store.kind)
        kinds = " or ".join(sorted(one.name for one in desk.platforms.values() if one.may_hold))
        raise invalid(
            POINTER,
            f"{store.name} is a {platform.name if platform else store.kind} store, which cannot hold what it has not "
            f"sent yet, so nothing would be held. A {kinds} store can.",
        )
    known = store.facts.get("capabilities")
    if isinstance(known, dict) and known.get("holds_fulfilment"):
        return
    try:
        found = await (await desk.gateways.store(store.id)).capabilities()
    except RemoteProblem:
        can, because = not isinstance(known, dict), str(known.get("holds_because")) if isinstance(known, dict) else ""
    else:
        await keep_capabilities(desk, store.id, found)
        can, because = found.holds_fulfilment, found.holds_because
    if not can:
        raise invalid(
            POINTER, f"{store.name} cannot hold what it has not sent yet: {because}. Mend that, then switch this on."
        )
