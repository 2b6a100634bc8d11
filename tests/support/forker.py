"""Starts services as processes of their own, quickly: it has loaded everything once, and forks for each of them.

Reads one JSON line per service, `{"environment": …, "log": path}`, and answers `{"pid": …}`. When one ends, its exit
code is in `<log>.code`, minus the signal's number where a signal ended it. All of them end with this process.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import typer
import uvloop

import bridge.bootstrap
import bridge.cli
import bridge.cli.settled
from bridge import killpoints
from bridge.config import Config
from bridge.storage import mysql
from bridge.web import passwords
from tests.support.passwords import quick

_LOGS: dict[int, str] = {}
_COMMANDS = typer.main.get_command(bridge.cli.app)
"""Put together once: it takes as long as all else of a start."""


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _become(environment: dict[str, str], log: str) -> None:
    """The child: a service with this environment, as `bridge serve` starts it."""
    _die_with_parent()
    os.environ.update(environment)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # Read when it was loaded, before this environment was known.
    killpoints._NAME, killpoints._LEFT = killpoints._armed()
    if "TEST_LEASE" in environment:
        # Shorter than any setting allows: tests cannot wait for minutes.
        _shorten_lease(float(environment["TEST_LEASE"]))
    sys.argv = ["bridge", "serve"]
    bridge.cli.main()


def _shorten_lease(seconds: float) -> None:
    whole = bridge.cli.settled.config

    def shortened() -> Config:
        return whole().model_copy(update={"lease": seconds})

    bridge.cli.settled.config = shortened
    # As in life, whoever stands still in a transaction keeps its rows for no longer than a lease.
    mysql.IDLE_SECONDS = max(1, int(seconds) - 1)


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _become(order["environment"], order["log"])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stderr.flush()
            os._exit(code)
    _LOGS[pid] = order["log"]
    return pid


def _reap() -> None:
    while _LOGS:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        path = Path(_LOGS.pop(pid) + ".code")
        draft = path.with_suffix(".draft")
        draft.write_text(str(os.waitstatus_to_exitcode(status)))
        draft.rename(path)


def run() -> None:
    _die_with_parent()
    passwords._hasher = quick()  # type: ignore[misc] # nobody guesses at these
    bridge.cli.app = _COMMANDS  # type: ignore[assignment] # called the same
    # What is loaded stays: no child looks through it for garbage, and so copies its pages.
    gc.collect()
    gc.freeze()
    print(json.dumps({"ready": bool(uvloop)}), flush=True)
    while True:
        readable, _, _ = select.select([sys.stdin], [], [], 0.01 if _LOGS else None)
        if readable:
            line = sys.stdin.readline()
            if not line:
                return
            print(json.dumps({"pid": _fork(json.loads(line))}), flush=True)
        _reap()


if __name__ == "__main__":
    run()
