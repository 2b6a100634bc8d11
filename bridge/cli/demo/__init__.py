"""`bridge demo`: sandbox shops and the service, and a story in steps played on them."""

from __future__ import annotations

import contextlib
import signal
import tempfile
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from bridge.cli.demo.elsewhere import PLACES
from bridge.cli.demo.stage import Stage
from bridge.cli.demo.story import play
from bridge.cli.demo.teller import Teller
from bridge.cli.failing import Failed

POLL_SECONDS = 0.5


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    *,
    leave: Annotated[bool, typer.Option("--exit", help="End after the story instead of leaving everything up")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep data and logs there, in an empty folder; else a temporary one"),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the service; 0 takes a free one")] = 0,
) -> None:
    """Play a story on sandbox shops: orders, cancellations, a lost message, a crash. Needs nothing set up.

    TikTok Shop, Magento with its plugin, a Shopify shop, an Amazon seller, a WooCommerce store, and the service run
    as processes of their own on this machine, and each step says what was seen, what was decided and why. Ends with 1
    where a step does not come out as told. Afterwards everything stays up to be looked at, until Ctrl-C.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    with contextlib.ExitStack() as stack:
        try:
            place = _folder(folder, stack)
            teller = Teller()
            teller.opening(place)
            stage = stack.enter_context(Stage.open(place, port, {one.name: one.module for one in PLACES}))
            order = play(stage, teller)
            teller.closing(stage, order, is_over=leave)
            if not leave:
                _until_interrupted(stage)
        except KeyboardInterrupt:
            typer.echo("\nEnding the demo.")


def _folder(wanted: Path | None, stack: contextlib.ExitStack) -> Path:
    if wanted is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bridge-demo-")))
    wanted.mkdir(parents=True, exist_ok=True)
    if any(wanted.iterdir()):
        raise Failed(f"{wanted} is not empty: the demo starts from nothing. Name another folder", 2)
    return wanted.absolute()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _until_interrupted(stage: Stage) -> None:
    """Raises `Failed` when a process ends by itself."""
    while True:
        for child in stage.children:
            if child.ends_within(POLL_SECONDS):
                raise Failed(f"{child.name} ended with {child.code}:\n{child.tail()}")
