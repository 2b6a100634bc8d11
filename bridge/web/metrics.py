"""What is counted, for Prometheus. Labels come from closed sets, never from what strangers send."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.storage import attention, drifts, orders, standing, work
from bridge.storage.errors import StorageProblem
from bridge.storage.standing import Standing
from bridge.web.desk import DESK
from bridge.web.standing_metrics import StandingGauges

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self.registry = registry
        self.deliveries = Counter(
            "bridge_deliveries",
            "Deliveries that came in, by what became of them",
            ["kind", "outcome"],
            registry=registry,
        )
        self.delivery_seconds = Histogram(
            "bridge_delivery_seconds",
            "From the first byte read to the answer of a delivery taken in",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.work = Gauge("bridge_work", "Orders and hints by state of their work", ["state"], registry=registry)
        self.oldest = Gauge(
            "bridge_work_oldest_due_seconds", "How long the longest due work is waiting", registry=registry
        )
        self.attention = Gauge("bridge_attention_open", "Items waiting for a person", ["kind"], registry=registry)
        self.orders = Gauge("bridge_orders", "Orders by state", ["state"], registry=registry)
        self.drifts = Gauge(
            "bridge_drifts",
            "Changes of the last 24 hours that no message had told of, by the side that did not tell",
            ["side", "outcome"],
            registry=registry,
        )
        self.standing = StandingGauges(registry)
        self.database_seconds = Gauge(
            "bridge_database_seconds", "How long the last scrape's questions to the database took", registry=registry
        )
        self.database = Gauge("bridge_database_up", "1 when the last scrape could read the database", registry=registry)
        Gauge("bridge_info", "The version that runs", ["version"], registry=registry).labels(version).set(1)


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)


async def show_metrics(request: web.Request) -> web.Response:
    """No secrets and no ids in it; keep it from the public at the proxy all the same."""
    metrics = request.app[METRICS]

    async def read(
        conn: AsyncConnection,
    ) -> tuple[dict[str, float], dict[str, int], dict[str, int], list[drifts.Counts], Standing]:
        states = {state.value: number for state, number in (await orders.counts(conn)).items()}
        untold = await drifts.counts(conn, request.app[DESK].clock.now() - timedelta(days=1))
        stands = await standing.read(conn)
        return await work.counts(conn), await attention.counts(conn), states, untold, stands

    began = time.monotonic()
    try:
        of_work, of_attention, of_orders, of_drifts, stands = await request.app[DESK].db.read(read)
    except StorageProblem:
        metrics.database.set(0)
    else:
        metrics.database.set(1)
        metrics.database_seconds.set(time.monotonic() - began)
        metrics.standing.show(stands)
        metrics.oldest.set(of_work.pop("oldest_due_age", 0.0))
        for gauge, numbers in ((metrics.work, of_work), (metrics.attention, of_attention), (metrics.orders, of_orders)):
            gauge.clear()
            for label, number in numbers.items():
                gauge.labels(label).set(number)
        _drifts(metrics.drifts, of_drifts)
    # Reads the process's own files, so beside the loop.
    body = await asyncio.to_thread(generate_latest, metrics.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _drifts(gauge: Gauge, counted: list[drifts.Counts]) -> None:
    """Every series is always there: what is 0 can be alarmed on too."""
    sides = {one.side: one for one in counted}
    for side in ("store", "channel"):
        for outcome in ("found", "by_audit", "told_late", "never_told", "healed", "open"):
            gauge.labels(side, outcome).set(getattr(sides[side], outcome) if side in sides else 0)
