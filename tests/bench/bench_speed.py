"""The figures the product promises, each as a ratio or a time of one run on this machine.

    python tests/bench/bench_speed.py [--rounds N] [--only ingest|arrival|standing]…

Tables go to standard output, all figures to artefacts/speed.json. It takes under four minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench import arrival, ingest, standing  # noqa: E402 -- found only from the root, also for the next two
from tests.bench.places import Place  # noqa: E402
from tests.support.mariadb import MariaDB  # noqa: E402

PARTS = ("ingest", "arrival", "standing")


@contextmanager
def places() -> Iterator[list[Place]]:
    # On the disk, where a commit costs what it costs in production.
    with tempfile.TemporaryDirectory(prefix="bridge-bench-", dir="/var/tmp") as folder:
        base = Path(folder)
        for name in ("sqlite", "mariadb"):
            (base / name).mkdir()
        server = MariaDB(base)
        try:
            server.start()
            yield [Place("SQLite", base / "sqlite", None), Place("MariaDB", base / "mariadb", server)]
        finally:
            server.remove()


async def _measure(place: Place, part: str, rounds: int) -> dict[str, Any]:
    if part == "ingest":
        return await ingest.measure(place, rounds, ingest.SECONDS, ingest.WARM)
    if part == "arrival":
        return await arrival.measure(place, max(30, 10 * rounds))
    return await standing.measure(place, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each ingest measurement")
    parser.add_argument("--only", action="append", choices=PARTS, help="measure only this")
    asked = parser.parse_args()
    shown = {"ingest": ingest.show, "arrival": arrival.show, "standing": standing.show}
    results: dict[str, Any] = {"machine": standing.machine()}
    began = time.monotonic()
    with places() as where:
        for part in asked.only or PARTS:
            results[part] = {place.name: asyncio.run(_measure(place, part, asked.rounds)) for place in where}
            print(shown[part](results[part]), flush=True)
    results["machine"] |= {"load_average_after": standing.machine()["load_average"]}
    results["seconds"] = time.monotonic() - began
    out = ROOT / "artefacts" / "speed.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    machine = results["machine"]
    print(
        f"\n{machine['cores']} cores, load average {machine['load_average']:.1f} before and "
        f"{machine['load_average_after']:.1f} after; {results['seconds']:.0f} s; all figures: {out.relative_to(ROOT)}"
    )


if __name__ == "__main__":
    main()
