"""The command line. Every command explains itself with `--help` and ends with 0 (done), 1 (failed) or 2 (usage)."""

from __future__ import annotations

import asyncio
import signal
import sys

import typer
import uvloop

from bridge.bootstrap import running
from bridge.config import Config
from bridge.keys import KeyMissing
from bridge.logs import configure
from bridge.storage.errors import StorageProblem

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Keep order cancellations, refunds and stock true between TikTok Shop and your own store."""


@app.command()
def serve() -> None:
    """Run the service until it is told to stop (SIGTERM or Ctrl-C). Settings come from BRIDGE_… variables."""
    config = Config()
    configure(config.log_format, config.log_level)
    try:
        uvloop.run(_serve(config))
    except (KeyMissing, StorageProblem) as problem:
        typer.echo(f"bridge: {problem}", err=True)
        raise typer.Exit(1) from None


async def _serve(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with running(config) as service:
        print(f"bridge: listening on http://{config.host}:{service.port}", file=sys.stderr, flush=True)
        await stop.wait()


def main() -> None:
    app()
