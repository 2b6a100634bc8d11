"""Doctor at a store: every check that can be made, whatever else is wrong; and what connecting shares with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from bridge.connectors.checking import Checks
from bridge.connectors.magento import diagnosis, hooks, sweeping
from bridge.connectors.magento.answers import CutOff, NotReached, read_problem
from bridge.connectors.magento.checks import (
    about_inventory,
    about_permissions,
    about_plugin,
    not_registered,
    reads_inventory,
)
from bridge.connectors.magento.client import Client
from bridge.connectors.magento.hooks import Registered
from bridge.connectors.magento.search import criteria
from bridge.connectors.magento.views import StoreReport, parse_report, read_views
from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from bridge.ports import Connected, Examined, Finding, Known, StoreView
from plugin_contract import report as report_contract

REACH_SECONDS: Final = 12.0
_STREAMS: Final = tuple(stream.name for stream in sweeping.STREAMS)
_OF_HOOKS: Final = ("mode", "integration_id", "other_registrations")
_PROBES: Final = ("orders", "creditmemos", "products")
"""Reads that need other permissions than the version report does."""
_REST: Final = (
    "plugin version",
    "permissions",
    "store views",
    "stock",
    "registrations",
    "whether the store tells of its changes",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose store, and where it shall deliver to (empty: nowhere)."""

    connection_id: str
    credentials: Mapping[str, Any] = field(repr=False)
    public_url: str


async def examine(client: Client, subject: Subject, *, mend: bool, known: Known, now: Callable[[], float]) -> Examined:
    checks = Checks()
    report = await _first(client, checks)
    if isinstance(report, RemoteProblem):
        return Examined(tuple(checks.findings), problem=report, clock_offset=client.skew)
    checks.say(Finding("ok", "authorized", "The store knows the integration and lets it in."))
    checks.say(*about_plugin(report, known.plugin_override), *about_permissions(report, subject.credentials))
    views = await checks.make("store views", partial(read_views, client, report.configs))
    inventory = await checks.make("stock (MSI)", partial(_inventory, client, views or (), checks))
    known_id = str(known.facts.get("integration_id") or "")
    registered = partial(registering, client, subject, mend=mend, known_id=known_id)
    outcome = await checks.make("registrations", registered, 20.0)
    told, found = outcome or (None, ())
    checks.say(*found)
    newest = [await checks.make(f"newest {name}", partial(sweeping.newest, client, name)) for name in _STREAMS]
    facts = facts_of(report, views, told, inventory=inventory, now=now())
    # What could not be looked at is as it was known.
    kept = (*(("views",) if views is None else ()), *(_OF_HOOKS if outcome is None else ()))
    facts |= {name: known.facts[name] for name in kept if name in known.facts}
    return Examined(
        tuple(checks.findings),
        Connected(credentials=dict(subject.credentials), facts=facts),
        clock_offset=client.skew,
        last_change=max(filter(None, newest), default=None),
    )


async def _first(client: Client, checks: Checks) -> StoreReport | RemoteProblem:
    """The way there and the credentials, by one read that each connection must be able to make."""
    try:
        answer = await client.send("GET", report_contract.PATH, timeout=REACH_SECONDS)
    except (NotReached, CutOff) as broken:
        checks.say(diagnosis.unreachable(str(broken)))
        checks.not_checked(("credentials", "clock", *_REST), "the store was not reached")
        return RemoteProblem(Retry(str(broken)))
    reached = Finding("ok", "reachable", "The store answers as Magento does.")
    if answer.is_ok and answer.is_json:
        checks.say(reached)
        try:
            return parse_report(answer)
        except RemoteProblem as problem:
            checks.say(Finding("error", "refused", problem.outcome.because))
            checks.not_checked(_REST, "the store's own report cannot be read")
            return problem
    others = await _others_work(client) if answer.status == 401 else None
    found = diagnosis.refusal(answer, is_bearer=client.is_bearer, others_work=others)
    if found.code in {"not_authorized", "permission_missing", "clock_refused"}:
        checks.say(reached)
    checks.say(found)
    checks.not_checked(_REST, "of the error above")
    return RemoteProblem(Reauth(found.text)) if answer.status == 401 else read_problem(answer)


async def _others_work(client: Client) -> bool:
    """Whether any read that needs another permission is answered: then the integration is alive."""
    for name in _PROBES:
        try:
            answer = await client.send("GET", f"/rest/V1/{name}", criteria(page_size=1), timeout=REACH_SECONDS / 2)
        except (NotReached, CutOff):
            continue
        if answer.is_ok:
            return True
    return False


async def _inventory(client: Client, views: Sequence[StoreView], checks: Checks) -> bool | None:
    found = await reads_inventory(client, tuple(views))
    checks.say(about_inventory(inventory=found))
    return found


async def registering(
    client: Client, subject: Subject, *, mend: bool, known_id: str
) -> tuple[Registered | None, tuple[Finding, ...]]:
    """What stands with the plugin, and what to say of it. Raises `RemoteProblem`."""
    told: Registered | None = None
    if subject.public_url and mend:
        told = await hooks.register(client, subject.public_url, subject.connection_id)
    elif subject.public_url:
        told = await hooks.look(client, subject.public_url, subject.connection_id, known_id)
    found = list(told.findings if told else not_registered(subject.credentials, subject.public_url))
    if told and not subject.public_url.startswith("https://"):
        text = "BRIDGE_PUBLIC_URL is not https, so anybody on the way can read and play again the store's messages."
        found.append(Finding("warning", "public_url_not_https", text))
    return told, tuple(found)


def facts_of(
    report: StoreReport,
    views: Sequence[StoreView] | None,
    told: Registered | None,
    *,
    inventory: bool | None,
    now: float,
) -> dict[str, Any]:
    """What is kept of a store. `other_registrations`: who else the plugin tells, in the plugin's order."""
    return {
        "plugin_version": report.version.reported,
        "permissions": sorted(report.version.granted),
        "views": [asdict(view) for view in views or ()],
        "mode": "full" if told and told.complete else "sweep-only",
        "integration_id": told.integration_id if told else "",
        "other_registrations": [dict(other) for other in told.others] if told else [],
        "msi": inventory,
        "read_at": datetime.fromtimestamp(now, UTC).isoformat(),
    }
