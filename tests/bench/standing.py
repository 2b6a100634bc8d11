"""Starting, stopping, and memory after many deliveries: `bridge serve` itself."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from tests.bench.deliveries import Numbers, packed
from tests.bench.figures import Spread, table
from tests.bench.house import house
from tests.bench.places import Place

DELIVERIES = 10_000
PROMISED_MB = 150.0
PROMISED_START, PROMISED_STOP = 2.0, 10.0
AFTERWARDS = 3.0
"""Seconds the workers go on with what came in before memory is read."""


async def measure(place: Place, rounds: int) -> dict[str, Any]:
    folder = place.folder / "standing"
    async with house(folder, place.url(folder)) as one:
        await one.start(plain=True)
        await one.connect()
        starts, stops = [], [await one.stop()]
        for _ in range(rounds):
            starts.append(await one.start(plain=True))
            stops.append(await one.stop())
        await one.start(plain=True)
        idle, _ = one.memory()
        numbers = Numbers()
        refused = 0
        for make in (numbers.unknown_memos, numbers.unknown_orders):
            file = folder / "requests"
            file.write_bytes(packed(make(one.who, DELIVERIES // 2)))
            told = await one.load(file, seconds=60)
            refused += told["answered"] - sum(told["refused"].values()) != DELIVERIES // 2
        await asyncio.sleep(AFTERWARDS)
        after, most = one.memory()
        busy_stop = await one.stop()
    if refused:
        raise RuntimeError(f"not all of {DELIVERIES} deliveries were taken in")
    return {
        "start_s": Spread.of(starts).to_json(),
        "stop_idle_s": Spread.of(stops).to_json(),
        "stop_busy_s": busy_stop,
        "memory_idle_mb": idle,
        "memory_after_mb": after,
        "memory_most_mb": most,
    }


def show(results: dict[str, dict[str, Any]]) -> str:
    rows = []
    for place, found in results.items():
        rows += [
            [
                f"{place}: start to the first 200 of /healthz, s",
                Spread(**found["start_s"]).shown(2),
                f"{PROMISED_START:g}",
            ],
            [f"{place}: stop, idle, s", Spread(**found["stop_idle_s"]).shown(2), f"{PROMISED_STOP:g}"],
            [f"{place}: stop with work in hand, s", f"{found['stop_busy_s']:.2f}", f"{PROMISED_STOP:g}"],
            [f"{place}: memory, idle, MB", f"{found['memory_idle_mb']:.0f}", ""],
            [
                f"{place}: memory after {DELIVERIES:,} deliveries, MB (at its greatest)",
                f"{found['memory_after_mb']:.0f} ({found['memory_most_mb']:.0f})",
                f"{PROMISED_MB:g}",
            ],
        ]
    return table("Starting, stopping, memory", ["", "measured", "promised, at most"], rows)


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "load_average": os.getloadavg()[0]}
