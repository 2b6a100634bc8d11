"""How long the pages take on a database of a million orders, on SQLite and on MariaDB.

    python tests/bench/bench_pages.py [--rows N] [--requests N] [--keep FOLDER | --use FOLDER] [--only sqlite|mariadb]

Making the two databases takes some minutes and 14 GB under /var/tmp, or in the folder that is kept. Tables go to
standard output, all figures to artefacts/pages.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench import pages, pages_data, standing  # noqa: E402 -- found only from the root, also for the next two
from tests.bench.pages_data import NAME, Built  # noqa: E402
from tests.support.mariadb import MariaDB  # noqa: E402

MEMORY = "--innodb-buffer-pool-size=128M"
"""The server's own default: the data are forty times as large."""


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    made = Path(tempfile.mkdtemp(prefix="bridge-bench-pages-", dir="/var/tmp"))
    try:
        yield made
    finally:
        shutil.rmtree(made)


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[MariaDB]:
    (folder / "mariadb").mkdir(exist_ok=True)
    server = MariaDB(kept=folder / "mariadb", flags=(MEMORY,))
    try:
        server.start()
        yield server
    finally:
        server.leave()


def _built(folder: Path, orders: int) -> Built:
    with _server(folder) as server:
        return pages_data.build(folder, server, orders)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="orders; everything else in proportion")
    parser.add_argument("--requests", type=int, default=40, help="of each page, after five that do not count")
    parser.add_argument("--only", choices=("sqlite", "mariadb"), help="measure one of the two")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--keep", type=Path, help="leave the databases in this folder")
    kept.add_argument("--use", type=Path, help="use those that an earlier run left in this folder")
    asked = parser.parse_args()
    results: dict[str, Any] = {"machine": standing.machine()}
    with _folder(asked.keep or asked.use) as folder:
        built = pages_data.used(folder) if asked.use else _built(folder, asked.rows)
        results["rows"] = built.rows
        results["machine"]["load_average_before"] = standing.machine()["load_average"]
        if asked.only != "mariadb":
            found = asyncio.run(
                pages.measure(folder, "SQLite", f"sqlite:///{folder / 'bridge.db'}", built, asked.requests)
            )
            results["SQLite"] = pages.to_json(found)
            print(pages.show("SQLite", found), flush=True)
        if asked.only != "sqlite":
            with _server(folder) as server:
                found = asyncio.run(
                    pages.measure(folder, "MariaDB", server.url(NAME), built, asked.requests, server.pid)
                )
            results["MariaDB"] = pages.to_json(found)
            print(pages.show("MariaDB", found), flush=True)
    results["machine"]["load_average_after"] = standing.machine()["load_average"]
    out = ROOT / "artefacts" / "pages.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(results, indent=2) + "\n")
    machine = results["machine"]
    print(
        f"\n{built.orders:,} orders, {sum(built.rows.values()):,} rows in all; {machine['cores']} cores, load average "
        f"{machine['load_average_before']:.1f} before and {machine['load_average_after']:.1f} after; all figures: "
        f"{out.relative_to(ROOT)}"
    )


if __name__ == "__main__":
    main()
