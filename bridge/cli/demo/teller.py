"""The demo's voice: each step's title, what happened to its order, what was checked, and how long it took."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from bridge.cli.failing import Failed
from bridge.cli.telling import STYLES

if TYPE_CHECKING:
    from bridge.cli.demo.stage import Stage

SEEN = frozenset({"arrived"})


class Teller:
    def __init__(self, console: Console | None = None) -> None:
        self._out = console or Console(highlight=False)
        self._step = 0
        self._began = time.monotonic()
        self._told: dict[str, int] = {}

    def line(self, text: Text | str = "") -> None:
        # Where nobody looks, a line is not broken: it is read by a program.
        self._out.print(Text(text) if isinstance(text, str) else text, soft_wrap=not self._out.is_terminal)

    def opening(self, folder: Path) -> None:
        self.line(Text("bridge demo", style="bold"))
        self.line("All shops are sandboxes on this machine; the service is the real one.")
        self.line(f"Data and logs: {folder}")

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Raises what went wrong inside as `Failed` that names the step."""
        self._step += 1
        self.line()
        self.line(Text(f"{self._step}. {title}", style="bold"))
        began = time.monotonic()
        try:
            yield
        except Failed as problem:
            raise Failed(f"step {self._step} ({title}) did not come out as told: {problem}") from None
        self.line(Text(f"   ✓ {time.monotonic() - began:.1f} s", style="green"))

    @contextlib.contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        with self._out.status(what):
            yield

    def says(self, text: str) -> None:
        self.line(f"   {text}")

    def changelog(self, order: Mapping[str, Any]) -> None:
        """What was seen, decided and done since this order was last told of."""
        entries = order["changelog"]
        for entry in entries[self._told.get(order["id"], 0) :]:
            word = "seen" if entry["event"] in SEEN else entry["event"]
            line = Text(f"   {word:>8}  ", style=STYLES.get(entry["event"], ""))
            self.line(line.append(entry["because"], style="default"))
        self._told[order["id"]] = len(entries)

    def check(self, text: str, *, holds: bool, found: Any) -> None:
        """Say it, or fail loudly with what was found instead."""
        if not holds:
            raise Failed(f"expected: {text}; found: {found}")
        self.line(Text("         ✓  ", style="green").append(text, style="default"))

    def closing(self, stage: Stage, order: str, *, is_over: bool) -> None:
        self.line()
        self.line(
            Text(f"All {self._step} steps came out as told, in {time.monotonic() - self._began:.0f} s.", style="bold")
        )
        if is_over:
            return
        self.line("Everything is still up, until Ctrl-C. Where to look:")
        self.line(f"  the pages        {stage.url}   sign in as admin, password: {stage.password}")
        self.line(f"  the API          {stage.url}/api/v1   its token is in {stage.token_file}")
        self.line(f"  TikTok Shop      {stage.tiktok.url}/_control/state")
        self.line(f"  Magento          {stage.magento.url}/_control/state")
        for name, url in stage.elsewhere.items():
            self.line(f"  {name:<15}  {url}/_control/state")
        self.line("In another terminal:")
        self.line(f"  export BRIDGE_URL={stage.url} BRIDGE_DATA_DIR={stage.data}")
        command = _command()
        self.line(f"  {command} orders")
        self.line(f"  {command} orders show {order}")


def _command() -> str:
    """How this very program is called: `make run` puts it on no PATH."""
    beside = Path(sys.executable).with_name("bridge")
    found = shutil.which("bridge")
    # Linux has a network tool of the same name.
    if found and beside.exists() and Path(found).samefile(beside):
        return "bridge"
    return str(beside) if beside.exists() else f"{sys.executable} -m bridge"
