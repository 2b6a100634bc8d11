"""`bridge sandbox`: TikTok Shop, Magento and Shopify as local servers with made-up data."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.failing import Failed
from bridge.cli.processes import Child
from bridge.cli.shown import JsonOption, console, print_json

POLL_SECONDS = 0.5


def add_to(app: typer.Typer) -> None:
    app.command()(sandbox)


def sandbox(
    *,
    tiktok_port: Annotated[int, typer.Option(help="Port of the TikTok Shop sandbox; 0 takes a free one")] = 9100,
    magento_port: Annotated[int, typer.Option(help="Port of the Magento sandbox; 0 takes a free one")] = 9200,
    shopify_port: Annotated[int, typer.Option(help="Port of the Shopify sandbox; 0 takes a free one")] = 9300,
    plugin: Annotated[str, typer.Option(help="Version of Magento's plugin, 1.0.17 to 1.0.26, or none")] = "1.0.26",
    as_json: JsonOption = False,
) -> None:
    """Run the sandbox shops until Ctrl-C, to try things out or to develop against.

    They answer like the real ones, keep everything in memory, and do what their control routes say:
    docs/reference/sandbox-tiktok.md, docs/reference/sandbox-magento.md and docs/reference/sandbox-shopify.md. To
    connect them, run the service with BRIDGE_ALLOW_PRIVATE_URLS=true.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="bridge-sandbox-") as folder, contextlib.ExitStack() as stack:
        children = []
        for name, arguments in (
            ("tiktok", ["bridge.sandbox.tiktok", "--port", str(tiktok_port)]),
            ("magento", ["bridge.sandbox.magento", "--port", str(magento_port), "--plugin", plugin]),
            ("shopify", ["bridge.sandbox.shopify", "--port", str(shopify_port)]),
        ):
            child = Child(f"the {name} sandbox", arguments, Path(folder) / f"{name}.log", os.environ)
            stack.callback(child.stop)
            children.append(child)
        ready = {
            name: child.first_line() for name, child in zip(("tiktok", "magento", "shopify"), children, strict=True)
        }
        if as_json:
            print_json(ready)
        else:
            out = console()
            for name, said in ready.items():
                out.print(Text(name, style="bold"))
                for key, value in said.items():
                    out.print(Text(f"  {key}: {value}"), soft_wrap=True)
            out.print("Ctrl-C ends all of them.")
        _until_interrupted(children)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _until_interrupted(children: list[Child]) -> None:
    """Raises `Failed` when one of them ends by itself."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for child in children:
                if child.ends_within(POLL_SECONDS):
                    raise Failed(f"{child.name} ended with {child.code}:\n{child.tail()}")
