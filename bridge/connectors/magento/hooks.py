"""Our registrations with the plugin: made one after the other, confirmed by reading the list.

The plugin keeps all registrations of a store in one text, without a lock, and answers 200 to whatever is not stored
(plugin_contract.registration says what was measured).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.connectors.magento.answers import Absent, Answer, CutOff, NotReached, Write, write_outcome
from bridge.connectors.magento.client import READ_TIMEOUT, Client
from bridge.connectors.magento.door import TOPICS
from bridge.connectors.magento.search import encode
from bridge.domain.outcomes import Done, Outcome, Reauth, Rejected, RemoteProblem, Retry
from bridge.ports import Finding
from plugin_contract import registration
from plugin_contract.registration import Registration, UnreadableRegistration, Wanted

ROUNDS: Final = 2
"""Another program that registers at the same moment may undo ours; the second round sees it."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What stands after registering. `integration_id` is ours as the plugin sees it."""

    complete: bool
    integration_id: str
    removed: int
    findings: tuple[Finding, ...]
    others: tuple[Mapping[str, Any], ...] = ()
    """Whom else the plugin tells, in its order: topic, address, app_key, integration_id, id, and whether it may
    silence ours.
    """


def address(public_url: str, connection_id: str) -> str:
    return f"{public_url.rstrip('/')}/hooks/magento/{connection_id}"


def wanted(public_url: str, connection_id: str) -> tuple[Wanted, ...]:
    where = address(public_url, connection_id)
    return tuple(Wanted(topic=topic, app_key=connection_id, address=where) for topic in TOPICS)


async def read_hooks(client: Client) -> tuple[Registration, ...] | None:
    """In stored order; None where the plugin has no such route (none, or before 1.0.6). Raises `RemoteProblem`."""
    found = await client.get(registration.PATH, absent=Absent.ENTITY_OR_ROUTE)
    if found is None:
        return None
    try:
        return registration.read_registrations(found)
    except UnreadableRegistration as problem:
        raise RemoteProblem(Rejected(str(problem), code="shape")) from None


async def register(client: Client, public_url: str, connection_id: str) -> Registered | None:
    """Bring the store's list to what we want. None without the plugin's routes. Raises `RemoteProblem`."""
    asked = wanted(public_url, connection_id)
    removed = 0
    before = await read_hooks(client)
    if before is None:
        return None
    # Asked even where it stands already: only the answer names the integration that we are to the plugin.
    own_id = await _post(client, asked[0])
    mended = registration.missing(before, asked, own_integration_id=own_id or None)
    stored = await read_hooks(client) or ()
    for _ in range(ROUNDS):
        steps = registration.plan(stored, asked, own_integration_id=own_id or None)
        stale = _stale(stored, connection_id, asked[0].address)
        for old in [*steps.to_delete, *stale]:
            await _delete(client, old)
            removed += 1
        for new in steps.to_register:
            await _post(client, new)
        if not steps.to_delete and not steps.to_register and not stale:
            break
        stored = await read_hooks(client) or ()
    missing = registration.missing(stored, asked, own_integration_id=own_id or None)
    found = [*_ours(missing, [one for one in mended if one not in missing], removed), *_theirs(stored, asked, own_id)]
    return Registered(not missing, own_id, removed, tuple(found), _others(stored, asked, own_id))


async def look(client: Client, public_url: str, connection_id: str, own_id: str) -> Registered | None:
    """What stands, with nothing changed. `own_id`: our integration as the plugin named it before, empty where it never
    did. None without the plugin's routes. Raises `RemoteProblem`.
    """
    asked = wanted(public_url, connection_id)
    stored = await read_hooks(client)
    if stored is None:
        return None
    missing = registration.missing(stored, asked, own_integration_id=own_id or None)
    found = list(_theirs(stored, asked, own_id))
    if missing:
        gone = ", ".join(one.topic for one in missing)
        stale = _stale(stored, connection_id, asked[0].address)
        where = f"; there is one to {stale[0].address}" if stale else ""
        text = f"The plugin has no registration of ours for {gone}{where}. Run doctor with mending to register."
        found.insert(0, Finding("error", "hooks_missing", text))
    else:
        found.insert(0, _stands())
    return Registered(not missing, own_id, 0, tuple(found), _others(stored, asked, own_id))


def _stale(stored: Sequence[Registration], connection_id: str, address: str) -> list[Registration]:
    """Ours to an address that we had before."""
    return [old for old in stored if old.app_key == connection_id and old.address != address]


def _stands() -> Finding:
    return Finding("ok", "hooks", f"Registered with the plugin for {', '.join(TOPICS)}.")


def _ours(missing: Sequence[Wanted], mended: Sequence[Wanted], removed: int) -> list[Finding]:
    if missing:
        topics = ", ".join(one.topic for one in missing)
        text = (
            f"The store did not keep our registration for {topics}. Run doctor again; until then changes are found by "
            "the sweep, some minutes later."
        )
        return [Finding("warning", "hooks_missing", text)]
    found = [_stands()]
    if mended:
        topics = ", ".join(one.topic for one in mended)
        old = f" {removed} to other addresses were deleted." if removed else ""
        text = f"Registered now for {topics}, which was missing.{old} What changed before is found by the sweep."
        found.append(Finding("ok", "hooks_mended", text))
    return found


def _theirs(stored: Sequence[Registration], asked: Sequence[Wanted], own_id: str) -> list[Finding]:
    found: list[Finding] = []
    for other in registration.foreign(stored, own_addresses={asked[0].address}, own_integration_id=own_id or None):
        one = other.registration
        who = f"integration {one.integration_id or 'unknown'} ({one.topic} to {one.address})"
        if one.address == asked[0].address:
            text = (
                f"Our address is registered a second time, by {who}: each change is sent twice, and the second one is "
                f"refused for its signature. Delete that registration: DELETE {registration.PATH}/{one.id}"
            )
            found.append(Finding("warning", "hooks_doubled", text))
        if other.may_silence:
            text = (
                f"A registration of {who} stands before ours. If that integration was deleted, the plugin stops there "
                "and we hear nothing: look for it in System › Integrations, and if it is gone delete this registration "
                f"(DELETE {registration.PATH}/{one.id})."
            )
            found.append(Finding("warning", "hooks_behind_another", text))
        elif one.topic in TOPICS and one.address != asked[0].address:
            found.append(Finding("ok", "hooks_of_another", f"Another program is told as well: {who}."))
    return found


def _others(stored: Sequence[Registration], asked: Sequence[Wanted], own_id: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(
        {
            "id": other.registration.id,
            "topic": other.registration.topic,
            "address": other.registration.address,
            "app_key": other.registration.app_key,
            "integration_id": other.registration.integration_id or "",
            "may_silence": bool(other.may_silence),
        }
        for other in registration.foreign(stored, own_addresses={asked[0].address}, own_integration_id=own_id or None)
    )


async def _post(client: Client, one: Wanted) -> str:
    """Our integration's id, from the answer."""
    body = registration.RegisterRequest.of(one).body()
    try:
        answer = await client.post(registration.PATH, body)
    except (NotReached, CutOff) as problem:
        raise RemoteProblem(Retry(str(problem))) from None
    made = registration.read_registration(_json(answer))
    return (made.integration_id or "") if made else ""


async def _delete(client: Client, one: Registration) -> None:
    try:
        answer = await client.send("DELETE", f"{registration.PATH}/{encode(one.id)}", timeout=READ_TIMEOUT)
    except (NotReached, CutOff) as problem:
        raise RemoteProblem(Retry(str(problem))) from None
    if not answer.is_ok:
        raise _problem(write_outcome(answer, Write.REGISTER))


def _json(answer: Answer) -> object:
    if not answer.is_ok:
        raise _problem(write_outcome(answer, Write.REGISTER))
    try:
        return answer.json()
    except ValueError:
        raise RemoteProblem(Retry("The store answered a registration with something that is not JSON")) from None


def _problem(outcome: Outcome) -> RemoteProblem:
    """Registering may be repeated at will, so whatever is uncertain is simply tried again."""
    if isinstance(outcome, (Retry, Reauth, Rejected)):
        return RemoteProblem(outcome)
    return RemoteProblem(
        Retry("the registration's outcome is unknown" if isinstance(outcome, Done) else outcome.because)
    )
