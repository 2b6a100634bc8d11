"""What doctor says of the service itself: settings, database, workers, rounds, backlog. Connections are asked apart.

Every check says something also where all is well, so that one sees what was looked at.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.config import Config
from bridge.ports import Finding
from bridge.readiness import LEAST_FREE_BYTES
from bridge.storage import audit_runs, cursors, heard, work
from bridge.storage.audit_runs import AuditRun
from bridge.storage.cursors import Cursor
from bridge.storage.engine import Database
from bridge.storage.errors import StorageProblem
from bridge.sync import auditing
from bridge.sync.rounds import Rounds
from bridge.sync.workers import Workers

ROOM_BYTES: Final = 1024**3
"""Free space below which room should be made soon."""
CLOCK_SECONDS: Final = 5.0
"""Between this process and its database: leases are the database's, but due times and ages are compared."""
BACKLOG: Final = timedelta(minutes=5)
AUDIT_LATE: Final = timedelta(hours=3)
_SHOWN: Final = 3


def settings_findings(config: Config) -> list[Finding]:
    """Pure: what the settings mean for a service that is to run for long."""
    found: list[Finding] = []
    if config.public_url is None:
        text = "BRIDGE_PUBLIC_URL is not set: shops elsewhere cannot be told where to deliver. Sweeps go on without."
        found.append(Finding("warning", "no_public_url", text))
    elif not config.public_url.startswith("https://"):
        text = (
            f"BRIDGE_PUBLIC_URL is {config.public_url}: not https, so TikTok sends nothing there, and anybody on the "
            "way can read and play again a store's messages. Put a proxy with a certificate in front."
        )
        found.append(Finding("warning", "public_url_not_https", text))
    else:
        found.append(Finding("ok", "public_url_set", f"Shops are told to deliver to {config.public_url}."))
    if config.allow_private_urls:
        text = "BRIDGE_ALLOW_PRIVATE_URLS is on: for trying out only. Switch it off in production."
        found.append(Finding("warning", "private_urls", text))
    else:
        text = "Shops on private addresses are refused, so nobody reaches into this network through a shop's address."
        found.append(Finding("ok", "private_urls_off", text))
    return found


async def database_findings(db: Database, now: Callable[[], float] = time.time) -> list[Finding]:
    """Raises `StorageProblem`."""
    found = [Finding(one.level, one.code, one.text) for one in await db.findings()]
    before = now()
    theirs = (await db.read(heard.now)).timestamp()
    offset = (before + now()) / 2 - theirs
    if abs(offset) > CLOCK_SECONDS:
        side = "ahead of" if offset > 0 else "behind"
        text = (
            f"This process's clock is {abs(offset):.0f} s {side} the database's. Orders become due by the one and are "
            "held by the other: set both by NTP."
        )
        found.append(Finding("warning", "database_clock", text))
    else:
        found.append(Finding("ok", "database_clock", "This process and the database agree on the time."))
    return found


@dataclass(frozen=True, slots=True)
class Checkup:
    """Of a service that runs."""

    config: Config
    db: Database
    workers: Workers
    rounds: Rounds
    has_token: bool
    now: Callable[[], datetime]

    async def findings(self) -> list[Finding]:
        found = settings_findings(self.config)
        found.append(self._token())
        found += await self._storage()
        found += await self._disk()
        found.append(self._workers())
        return found

    def _token(self) -> Finding:
        if self.has_token:
            return Finding("ok", "api_token", "The API asks for a token.")
        text = "No API token is set, so nobody can use the API or the pages. Set BRIDGE_API_TOKEN."
        return Finding("warning", "api_token_missing", text)

    async def _storage(self) -> list[Finding]:
        async def read(conn: AsyncConnection) -> tuple[dict[str, float], dict[str, str], list[Cursor], AuditRun | None]:
            return (
                await work.counts(conn),
                await work.parked(conn, _SHOWN),
                await cursors.all(conn),
                await audit_runs.last(conn),
            )

        try:
            found = await database_findings(self.db, lambda: self.now().timestamp())
            counts, parked, swept, audited = await self.db.read(read)
        except StorageProblem as problem:
            return [Finding("error", "database", f"The database cannot be read: {problem}")]
        text = "The secret key opens what is stored; the service would not have started otherwise."
        found.append(Finding("ok", "secret_key", text))
        return [*found, backlog(counts), *parking(counts, parked), *self._sweeps(swept), self._audit(audited)]

    def _sweeps(self, swept: list[Cursor]) -> list[Finding]:
        problems = self.rounds.problems()
        found = [Finding("error", "sweeps_late", f"{text} See the log for why.") for text in problems]
        done = [cursor.finished_at for cursor in swept if cursor.finished_at is not None]
        if not found and done:
            text = f"Sweeps are made; the last list was read through at {max(done):%Y-%m-%d %H:%M} UTC."
            found.append(Finding("ok", "sweeps", text))
        elif not found:
            text = "No list was swept yet: that begins with the first shop that is tied to a store."
            found.append(Finding("ok", "sweeps", text))
        return found

    def _audit(self, run: AuditRun | None) -> Finding:
        last = run.began if run else None
        if last is not None and self.now() - last > auditing.EVERY + AUDIT_LATE:
            text = (
                f"The daily audit was last made on {last.astimezone(UTC):%Y-%m-%d %H:%M} UTC. Without it a change that "
                "a sweep missed stays unseen: see the log for why, and restart the service."
            )
            return Finding("warning", "audit_late", text)
        when = f"; the last one began at {last.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if last else ""
        return Finding("ok", "audit", f"The daily audit is made{when}.")

    async def _disk(self) -> list[Finding]:
        if not self.config.is_embedded:
            return []
        try:
            free = (await asyncio.to_thread(shutil.disk_usage, self.config.data_dir)).free
        except OSError as problem:
            return [Finding("error", "disk", f"The data folder cannot be looked at: {problem.strerror}.")]
        shown = f"{free / 1024**3:.1f} GB" if free >= ROOM_BYTES else f"{free // 1024**2} MB"
        text = f"{shown} are free where the database lives."
        if free < LEAST_FREE_BYTES:
            return [Finding("error", "disk", f"Only {text} Soon nothing can be written: make room there.")]
        if free < ROOM_BYTES:
            return [Finding("warning", "disk", f"Only {text} Make room there.")]
        return [Finding("ok", "disk", text)]

    def _workers(self) -> Finding:
        if self.workers.is_running:
            number = self.config.workers
            return Finding("ok", "workers", f"{number} workers settle orders; {self.workers.busy} of them busy now.")
        text = "The workers are not running, so nothing is settled. The log says why; restart the service."
        return Finding("error", "workers_stopped", text)


def backlog(counts: dict[str, float]) -> Finding:
    """Pure. `counts` as `work.counts` gives them."""
    age = timedelta(seconds=counts["oldest_due_age"])
    due = round(counts["due"])
    if age > BACKLOG:
        text = (
            f"{due} orders are due, the longest for {age.total_seconds() / 60:.0f} minutes. Raise BRIDGE_WORKERS, add "
            "a process, or see in the log whether a shop answers slowly."
        )
        return Finding("warning", "backlog", text)
    return Finding("ok", "backlog_none", f"{due} orders are due now; none waits for long.")


def parking(counts: dict[str, float], parked: dict[str, str]) -> list[Finding]:
    """Pure. `parked`: some of the parked keys and why."""
    number = round(counts["parked"])
    if not number:
        return [Finding("ok", "parked_none", "No order is parked.")]
    some = "; ".join(f"{key.rpartition(':')[2]}: {because}" for key, because in parked.items())
    text = f"{number} orders are parked, each after five looks that never came back. See attention, and the log. {some}"
    return [Finding("error", "parked", text)]
