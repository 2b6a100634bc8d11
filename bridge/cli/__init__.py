"""The command line. Every command explains itself with `--help` and ends with 0 (done), 1 (failed) or 2 (usage)."""

from __future__ import annotations

import sys

import typer

from bridge.cli import (
    alerts,
    attention,
    checking,
    connecting,
    demo,
    doctor,
    exporting,
    history,
    orders,
    restoring,
    sandbox,
    serving,
    settings,
    skus,
    sweeping,
    users,
)
from bridge.cli.failing import Failed

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _root() -> None:
    """Keep order cancellations, refunds and stock true between TikTok Shop and your own store.

    While a service runs, commands read and write through its API.
    """


for module in (
    serving,
    demo,
    connecting,
    settings,
    skus,
    doctor,
    orders,
    attention,
    alerts,
    users,
    history,
    sweeping,
    exporting,
    restoring,
    sandbox,
    checking,
):
    module.add_to(app)


def main() -> None:
    """The `bridge` program."""
    try:
        app()
    except Failed as problem:
        sys.stderr.write(f"bridge: {problem}\n")
        sys.exit(problem.code)
    except BrokenPipeError:  # the reader of our output has gone: `bridge orders | head`
        sys.stderr.close()
        sys.exit(1)
