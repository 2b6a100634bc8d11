"""`bridge sandbox`: the platforms as local servers with made-up data."""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer
from rich.text import Text

from bridge.cli.failing import Failed
from bridge.cli.processes import Child
from bridge.cli.shown import JsonOption, console, print_json

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Box:
    """One sandbox server."""

    name: str
    module: str
    port: int
    """The one it takes unless told otherwise."""
    title: str
    options: tuple[str, ...] = ()
    """Options of the command that are handed on to it."""


BOXES: Final = (
    Box("tiktok", "bridge.sandbox.tiktok", 9100, "TikTok Shop"),
    Box("magento", "bridge.sandbox.magento", 9200, "Magento", ("plugin",)),
    Box("shopify", "bridge.sandbox.shopify", 9300, "Shopify"),
    Box("amazon", "bridge.sandbox.amazon", 9400, "Amazon"),
    Box("woocommerce", "bridge.sandbox.woocommerce", 9500, "WooCommerce"),
)
"""All of them. A further one is one more line here."""


def add_to(app: typer.Typer) -> None:
    app.command()(_with_ports(sandbox))


def _with_ports(command: Callable[..., None]) -> Callable[..., None]:
    """The command with a port option for each sandbox."""
    signature = inspect.signature(command, eval_str=True)
    fixed = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    ports = [
        inspect.Parameter(
            f"{box.name}_port",
            inspect.Parameter.KEYWORD_ONLY,
            default=box.port,
            annotation=Annotated[int, typer.Option(help=f"Port of the {box.title} sandbox; 0 takes a free one")],
        )
        for box in BOXES
    ]
    vars(command)["__signature__"] = signature.replace(parameters=[*ports, *fixed])
    return command


def sandbox(
    *,
    plugin: Annotated[str, typer.Option(help="Version of Magento's plugin, 1.0.17 to 1.0.26, or none")] = "1.0.26",
    as_json: JsonOption = False,
    **ports: int,
) -> None:
    """Run the sandbox shops until Ctrl-C, to try things out or to develop against.

    They answer like the real ones, keep everything in memory, and do what their control routes say:
    docs/reference/sandbox-tiktok.md, and a page of the same kind for each of the others. To connect them, run the
    service with BRIDGE_ALLOW_PRIVATE_URLS=true.
    """
    options = {"plugin": plugin}
    signal.signal(signal.SIGTERM, _interrupt)
    with tempfile.TemporaryDirectory(prefix="bridge-sandbox-") as folder, contextlib.ExitStack() as stack:
        children = {}
        for box in BOXES:
            arguments = [box.module, "--port", str(ports[f"{box.name}_port"])]
            arguments += [part for name in box.options for part in (f"--{name}", options[name])]
            child = Child(f"the {box.name} sandbox", arguments, Path(folder) / f"{box.name}.log", os.environ)
            stack.callback(child.stop)
            children[box.name] = child
        ready = {name: child.first_line() for name, child in children.items()}
        if as_json:
            print_json(ready)
        else:
            out = console()
            for name, said in ready.items():
                out.print(Text(name, style="bold"))
                for key, value in said.items():
                    out.print(Text(f"  {key}: {value}"), soft_wrap=True)
            out.print("Ctrl-C ends all of them.")
        _until_interrupted(list(children.values()))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _until_interrupted(children: list[Child]) -> None:
    """Raises `Failed` when one of them ends by itself."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for child in children:
                if child.ends_within(POLL_SECONDS):
                    raise Failed(f"{child.name} ended with {child.code}:\n{child.tail()}")
