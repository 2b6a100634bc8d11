"""`bridge serve` with something taken out or written down, so that two runs differ in that alone.

    python served.py [--answer-only] [--no-workers] [--no-rounds] [--trace FILE]

Without a flag it is `bridge serve` itself.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import aiohttp
import aiomysql
from sqlalchemy import event

import bridge.bootstrap
from bridge import killpoints
from bridge.cli import main
from bridge.config import Config
from bridge.meters import Meters
from bridge.storage import sqlite
from bridge.storage.inbox_writer import InboxWriter
from bridge.storage.trips import Trips
from bridge.sync import rounds, workers


class AnswerOnly(InboxWriter):
    """Takes nothing in: what is left of a delivery is reading, verifying and answering."""

    async def put(self, arrival: Any) -> None:
        del arrival


async def _rest(self: workers.Workers | rounds.Rounds) -> None:
    await self._stopping.wait()


def _traced(path: str) -> None:
    """Each named point that is reached goes to a file with the machine's monotonic clock, which processes share, and
    with the processor time that this process has taken so far.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    known = killpoints.reach

    def reach(point: killpoints.KillPoint) -> None:
        _note(file, point.value)
        known(point)

    for module in list(sys.modules.values()):
        if getattr(module, "reach", None) is known:
            module.reach = reach  # type: ignore[attr-defined]  # modules have it: that is what was asked

    _traced_calls(file)
    _traced_statements(file)


def _note(file: int, words: str, when: float | None = None) -> None:
    os.write(file, f"{when or time.monotonic()} {time.process_time()} {words}\n".encode())


def _traced_statements(file: int) -> None:
    """What the database is sent, as its driver sends it: `BEGIN`, `COMMIT` and `ROLLBACK` too."""

    def note(statement: str) -> None:
        _note(file, "sql " + " ".join(statement.split()[:40]))

    prepare = sqlite.make_trips

    def made(path: Path, *, writing: bool) -> Trips:
        trips = prepare(path, writing=writing)
        event.listen(trips._engine, "connect", lambda connection, _record: connection.set_trace_callback(note))
        return trips

    sqlite.make_trips = made
    send = aiomysql.Connection._execute_command

    async def sent(self: aiomysql.Connection, command: int, sql: str | bytes) -> None:
        note(sql if isinstance(sql, str) else sql.decode(errors="replace"))
        await send(self, command, sql)

    aiomysql.Connection._execute_command = sent


def _traced_calls(file: int) -> None:
    """Each call out, too: when it was begun, and when the head of its answer was there."""

    async def begun(_session: Any, context: Any, _params: Any) -> None:
        context.began = time.monotonic()

    async def answered(_session: Any, context: Any, params: aiohttp.TraceRequestEndParams) -> None:
        _note(file, f"call {time.monotonic()} {params.method} {params.url.path}", context.began)

    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(begun)
    tracing.on_request_end.append(answered)
    tracing.freeze()
    made = bridge.bootstrap._session

    def session(config: Config, meters: Meters) -> aiohttp.ClientSession:
        kept = made(config, meters)
        kept._trace_configs.append(tracing)
        return kept

    bridge.bootstrap._session = session


def _serve() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--answer-only", action="store_true")
    parser.add_argument("--no-workers", action="store_true")
    parser.add_argument("--no-rounds", action="store_true")
    parser.add_argument("--trace", default="")
    asked = parser.parse_args()
    if asked.answer_only:
        setattr(bridge.bootstrap, "InboxWriter", AnswerOnly)  # noqa: B010 -- it is not the module's own name
    if asked.no_workers:
        workers.Workers.run = _rest  # type: ignore[method-assign]
    if asked.no_rounds:
        rounds.Rounds._run = _rest  # type: ignore[method-assign]
    if asked.trace:
        _traced(asked.trace)
    sys.argv = ["bridge", "serve"]
    main()


if __name__ == "__main__":
    _serve()
