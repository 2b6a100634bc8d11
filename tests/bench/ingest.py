"""Deliveries a second: verified, committed with full durability, then answered; beside verified and answered only.

The services differ in one flag. They run beside each other, the others stopped while one is measured, and take turns:
answer only, durable, durable with workers, and again. Every delivery is a new one; what it names is unknown to the
shops, so it ends as work that leads nowhere.
"""

from __future__ import annotations

import contextlib
import statistics
from pathlib import Path
from typing import Any

from tests.bench.deliveries import Numbers, packed
from tests.bench.figures import Spread, table
from tests.bench.house import House, house
from tests.bench.places import Place

CONNECTIONS = 64
PROMISED = 0.6
SECONDS, WARM = 1.5, 0.4
"""Of one round; what is answered while warming up is not counted."""
ANSWER_ONLY, DURABLE, WORKING = "answer only", "durable", "durable, workers on"
FLAGS = {ANSWER_ONLY: ("--answer-only", "--no-workers"), DURABLE: ("--no-workers",), WORKING: ()}
MOST_A_SECOND = 3500
"""More than one process answers here: so many requests are signed beforehand. `ran_out_of_requests` tells."""


async def measure(place: Place, rounds: int, seconds: float, warm: float) -> dict[str, Any]:
    results: dict[str, dict[str, list[dict[str, Any]]]] = {
        kind: {name: [] for name in FLAGS} for kind in ("magento", "tiktok")
    }
    numbers = Numbers()
    async with contextlib.AsyncExitStack() as stack:
        houses: dict[str, House] = {}
        for name, flags in FLAGS.items():
            folder = place.folder / name.replace(" ", "-").replace(",", "")
            one = await stack.enter_async_context(house(folder, place.url(folder)))
            await one.start(*flags)
            await one.connect()
            one.pause()
            stack.callback(one.resume)
            houses[name] = one
        for _ in range(rounds):
            for kind, found in results.items():
                for name, one in houses.items():
                    found[name].append(await _round(one, kind, numbers, place.folder / "requests", seconds, warm))
    return {
        kind: {name: _summary(runs) for name, runs in found.items()} | {"ratios": _ratios(found)}
        for kind, found in results.items()
    }


async def _round(one: House, kind: str, numbers: Numbers, file: Path, seconds: float, warm: float) -> dict[str, Any]:
    make = numbers.unknown_memos if kind == "magento" else numbers.unknown_orders
    file.write_bytes(packed(make(one.who, int(MOST_A_SECOND * seconds))))
    one.resume()
    try:
        return await one.load(file, connections=CONNECTIONS, seconds=seconds, warm=warm)
    finally:
        one.pause()


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    refused = sum(sum(run["refused"].values()) for run in runs)
    return {
        "per_second": Spread.of([run["per_second"] for run in runs]).to_json(),
        "median_ms": statistics.median(run["median_ms"] for run in runs),
        "p99_ms": statistics.median(run["p99_ms"] for run in runs),
        "refused": refused,
        "ran_out_of_requests": any(run["exhausted"] for run in runs),
        "sender_cpu": statistics.median(run["own_cpu"] for run in runs),
        "cpu_ms_each": statistics.median(run["service_cpu_seconds"] / max(run["answered"], 1) * 1000 for run in runs),
        "service_cpu": statistics.median(run["service_cpu"] for run in runs),
    }


def _ratios(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Each round's figure over the same round's answer-only figure."""
    return {
        name: Spread.of(
            [run["per_second"] / base["per_second"] for run, base in zip(found[name], found[ANSWER_ONLY], strict=True)]
        ).to_json()
        for name in (DURABLE, WORKING)
    }


def show(results: dict[str, dict[str, Any]]) -> str:
    rows = []
    for place, kinds in results.items():
        for kind, found in kinds.items():
            for name in FLAGS:
                one = found[name]
                ratio = found["ratios"].get(name)
                rows.append(
                    [
                        f"{place}, {kind}, {name}",
                        Spread(**one["per_second"]).shown(),
                        Spread(**ratio).shown(2) if ratio else "1",
                        f"{one['median_ms']:.1f}",
                        f"{one['p99_ms']:.1f}",
                        str(one["refused"]),
                        f"{one['cpu_ms_each']:.2f}",
                        f"{one['service_cpu']:.0%}",
                        f"{one['sender_cpu']:.0%}",
                    ]
                )
    heads = [
        "",
        "a second",
        "of answer only",
        "median ms",
        "99 % ms",
        "refused",
        "cpu ms each",
        "service cpu",
        "sender cpu",
    ]
    return table(f"Deliveries taken in, {CONNECTIONS} connections (promised: {PROMISED} of answer only)", heads, rows)
