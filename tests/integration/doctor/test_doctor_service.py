"""What doctor says of the service itself, and of connections as last looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge import checkup
from bridge.checkup import backlog, parking
from bridge.storage import audit_runs, work
from bridge.storage.audit_runs import AuditRun
from bridge.storage.engine import Database
from tests.integration.doctor.clinic import Clinic, clinic, codes, said


async def health(ward: Clinic) -> dict[str, Any]:
    return dict(await ward.play.api("GET", "doctor"))


async def test_the_service_and_its_connections_are_shown(database_url: str, tmp_path: Path) -> None:
    async with clinic(tmp_path, database_url) as ward:
        shown = await health(ward)
        assert codes(shown, "error") == set()
        assert codes(shown, "warning") == {"public_url_not_https", "private_urls", "nobody_told"}
        assert codes(shown, "ok") >= {
            *("database_durable", "database_clock", "secret_key", "api_token", "sweeps", "audit", "workers"),
            *("backlog_none", "parked_none"),
        }
        assert ("disk" in codes(shown)) == (ward.service.db.dialect == "sqlite")
        assert {one["looked_at"] for one in shown["connections"]} == {None}
        await ward.store()
        again = {one["id"]: one for one in (await health(ward))["connections"]}
        assert again[ward.play.store_id]["looked_at"]
        assert codes(again[ward.play.store_id]) >= {"test_delivery", "clock"}
        assert again[ward.play.tiktok_id]["looked_at"] is None


async def test_a_parked_order_is_an_error(ward: Clinic) -> None:
    db = ward.service.db
    await db.write(lambda conn: work.mark(conn, ["order:shp_x:5761"], datetime.now(UTC) + timedelta(hours=1)))

    async def park(conn: Any) -> None:
        from sqlalchemy import update

        from bridge.storage.tables import work as table

        values = {"due_at": None, "parked_because": "five looks", "parked_at": datetime.now(UTC)}
        await conn.execute(update(table).values(**values))

    await db.write(park)
    level, text = said(await health(ward), "parked")
    assert (level, "5761: five looks" in text) == ("error", True)


async def test_an_audit_that_is_not_made_is_told(ward: Clinic) -> None:
    old = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    await ward.service.db.write(lambda conn: audit_runs.put(conn, AuditRun(old, ended_at=old)))
    assert said(await health(ward), "audit_late")[0] == "warning"


async def test_workers_that_stopped_are_an_error(ward: Clinic) -> None:
    ward.service.workers.stop()
    assert said(await health(ward), "workers_stopped")[0] == "error"


async def test_a_full_disk_is_told(ward: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "LEAST_FREE_BYTES", 1 << 60)
    assert said(await health(ward), "disk")[0] == "error"


async def test_a_clock_that_differs_from_the_databases_is_told(database: Database) -> None:
    ahead = datetime.now(UTC).timestamp() + 3600
    found = await checkup.database_findings(database, lambda: ahead)
    [clock] = [one for one in found if one.code == "database_clock"]
    assert (clock.level, "ahead of" in clock.text) == ("warning", True)


def test_a_backlog_is_told_by_its_oldest() -> None:
    assert backlog({"due": 4, "oldest_due_age": 20.0}).code == "backlog_none"
    found = backlog({"due": 40, "oldest_due_age": 1200.0})
    assert (found.level, found.code, "20 minutes" in found.text) == ("warning", "backlog", True)


def test_nothing_parked_is_told_too() -> None:
    [found] = parking({"parked": 0}, {})
    assert (found.level, found.code) == ("ok", "parked_none")
