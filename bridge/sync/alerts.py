"""Telling people: what waits in the outbox goes out, one process at a time, until it is told, settled or given up.

Written before it is sent, and recorded after: a process that dies in between leaves a message that is sent again with
the same id and content. So a webhook's receiver, or a mail server, can know the second one; a person may see two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.alerting import Message, message_of
from bridge.domain.outcomes import Done, Outcome, Rejected, Unknown
from bridge.killpoints import KillPoint, reach
from bridge.mistakes import place, told
from bridge.ports import AlertSender, Clock
from bridge.storage import alerts, leases
from bridge.storage.alert_targets import AlertTarget, AlertTargets
from bridge.storage.alerts import Alert
from bridge.storage.engine import Database
from bridge.storage.errors import StorageProblem
from bridge.storage.ids import new_id
from bridge.sync.desk import log

LEASE = "alerts"
LEASE_SECONDS = 90.0
"""Longer than a message may take, so that no second process sends it meanwhile."""
SEND_WITHIN = 45.0
RETRY_AFTER = (10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, *[3600.0] * 11)
"""Seconds between the tries of one message: twelve hours in all, then it is given up and shown."""


class Alerts:
    def __init__(
        self, db: Database, targets: AlertTargets, senders: Mapping[str, AlertSender], owner: str, clock: Clock
    ) -> None:
        self._clock = clock
        self._db = db
        self._targets = targets
        self._senders = senders
        self._owner = owner

    async def round(self) -> None:
        """Send what is due, to each target at most one message."""
        if not await self._db.read(alerts.waiting_targets):
            return
        if not await self._db.write(self._lease):
            return
        try:
            waiting = await self._db.read(alerts.waiting_targets)
            async with asyncio.TaskGroup() as group:
                for target_id in waiting:
                    group.create_task(self._see_to(target_id))
        finally:
            await self._db.write(lambda conn: leases.release(conn, LEASE, self._owner))

    async def _lease(self, conn: AsyncConnection) -> bool:
        return await leases.try_lease(conn, LEASE, self._owner, LEASE_SECONDS, again=False)

    async def _see_to(self, target_id: str) -> None:
        """One target's trouble is its own: to the others something is being sent at this moment."""
        try:
            await self._tell(target_id)
        except StorageProblem as problem:
            log.warning("alert.not_recorded", target=target_id, because=str(problem))
        except Exception as mistake:  # noqa: BLE001 -- nobody foresaw it, and it must not break off what goes to others
            log.error("alert.broke", target=target_id, **told(mistake))

    async def _tell(self, target_id: str) -> None:
        target = await self._db.read(lambda conn: self._targets.get(conn, target_id))
        if target is None or not target.enabled:
            because = "its target was removed" if target is None else "its target was switched off"
            await self._db.write(lambda conn: alerts.drop_of_target(conn, target_id, because))
            return
        # A second run after a lost commit takes the message up as it was begun.
        rows = await self._db.write(lambda conn: alerts.next_message(conn, target_id), idempotent=True)
        if not rows:
            return
        reach(KillPoint.ALERT_CLAIMED)
        message = _message(rows)
        outcome = await self._send(target, message)
        reach(KillPoint.ALERT_SENT)
        await self._record(target, message, outcome, tried=rows[0].attempts)

    async def _send(self, target: AlertTarget, message: Message) -> Outcome:
        try:
            async with asyncio.timeout(SEND_WITHIN):
                return await self._senders[target.kind].send(target.address, target.secrets, message)
        except TimeoutError:
            return Unknown(f"{target.address} did not finish within {SEND_WITHIN:g} s")
        except Exception as mistake:  # noqa: BLE001 -- nobody foresaw it, so nobody knows whether it was sent
            log.error("alert.broke", target=target.id, **told(mistake))
            return Unknown(f"sending to {target.address} met a mistake ({place(mistake)}); the log says more")

    async def _record(self, target: AlertTarget, message: Message, outcome: Outcome, tried: int) -> None:
        if isinstance(outcome, Done):
            said = outcome.reference
            await self._db.write(lambda conn: alerts.sent(conn, target.id, message.id, said), idempotent=True)
            log.info("alert.sent", target=target.id, message=message.id, items=message.count)
            return
        because = outcome.because
        last = isinstance(outcome, Rejected) or tried >= len(RETRY_AFTER)
        after = None if last else RETRY_AFTER[tried]
        await self._db.write(lambda conn: alerts.not_sent(conn, target.id, message.id, because, again_in=after))
        log.warning("alert.not_sent", target=target.id, message=message.id, because=because, again_in=after)

    async def test(self, target: AlertTarget) -> Outcome:
        """Send a test now. Where it arrives, what waited for the target goes out at once."""
        message = Message(id=new_id("msg"), at=self._clock.now(), items=(), count=0, kinds={}, test=True)
        outcome = await self._send(target, message)
        if isinstance(outcome, Done):
            await self._db.write(lambda conn: alerts.works(conn, target.id), idempotent=True)
        return outcome


def _message(rows: list[Alert]) -> Message:
    """The same rows make the same message."""
    return message_of(rows[0].message_id or "", max(row.created_at for row in rows), [row.body for row in rows])
