"""`bridge serve` and `bridge migrate`."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, print_json

if TYPE_CHECKING:
    from bridge.config import Config


def add_to(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(migrate)


def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on; else BRIDGE_PORT, else 8080")] = None,
) -> None:
    """Run the service until it is told to stop (SIGTERM or Ctrl-C).

    Settings come from BRIDGE_… variables (docs/reference/settings.md). Without any, it keeps its data in the folder
    `data`, in an embedded database, and listens on http://127.0.0.1:8080. A stop finishes what is in hand. Where a
    part of it breaks that it cannot do without, it ends with 1: whatever watches over it starts it again.
    """
    import uvloop

    from bridge.cli.settled import config
    from bridge.keys import KeyMissing
    from bridge.logs import configure
    from bridge.storage.errors import StorageProblem

    settings = config()
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    configure(settings.log_format, settings.log_level)
    try:
        uvloop.run(_serve(settings))
    except (KeyMissing, StorageProblem, ValueError) as problem:
        raise Failed(str(problem)) from None
    except OSError as problem:
        where = f"{settings.host}:{settings.port}"
        raise Failed(
            f"cannot listen on {where}, or use {settings.data_dir}: {problem.strerror or problem}. Another service may "
            "run there: stop it, or set BRIDGE_PORT"
        ) from None


async def _serve(settings: Config) -> None:
    from bridge.bootstrap import running

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with running(settings) as service:
        sys.stderr.write(f"bridge: listening on http://{settings.host}:{service.port}\n")
        if service.first_password is not None:
            sys.stderr.write(
                f"bridge: sign in there as admin with the password {service.first_password} (shown this once)\n"
            )
        sys.stderr.flush()
        await _either(stop, service.over)
    if not stop.is_set():
        raise Failed(
            "the service ended by itself, because a part of it broke; the log says which and why. Start it again"
        )


async def _either(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def migrate(*, as_json: JsonOption = False) -> None:
    """Bring the database to what this version needs. `bridge serve` does it too; this does it before, and alone."""
    from bridge.cli.settled import config
    from bridge.storage.errors import StorageProblem

    settings = config()
    try:
        changed = asyncio.run(_migrate(settings))
    except (StorageProblem, ValueError) as problem:
        raise Failed(str(problem)) from None
    if as_json:
        print_json({"migrated": changed})
    else:
        typer.echo("The database was brought up to date." if changed else "The database is up to date.")


async def _migrate(settings: Config) -> bool:
    from bridge.storage.engine import Database
    from bridge.storage.migrate import migrate as bring_up

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = await Database.open(settings.database)
    try:
        return await bring_up(database)
    finally:
        await database.close()
