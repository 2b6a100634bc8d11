"""`bridge version-check`: what a version of the Magento plugin can do."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.text import Text

from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, UrlOption, console, print_json

_WORDS = {
    "creditmemo_events": "announces credit memos",
    "restock": "may put refunded units back to stock",
    "reservation_result": "says whether an order took its stock",
    "refunds": "lets Magento book refunds",
}


def add_to(app: typer.Typer) -> None:
    app.command(name="version-check")(version_check)


def version_check(
    version: Annotated[str | None, typer.Argument(help="A version as the store reports it, such as 1.0.26")] = None,
    *,
    connection: Annotated[
        str | None, typer.Option(metavar="ID", help="Read this store's plugin now, through the running service")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Say what a version of the AfterShip TikTok Shop plugin for Magento can do. Needs no running service.

    The same answer as GET /plugin/version-check?version=…
    """
    if (version is None) == (connection is None):
        raise Failed("give either a version, such as `bridge version-check 1.0.26`, or --connection", 2)
    if connection is not None:
        from bridge.cli.api import service

        found = service(url).get("/plugin/version-check", {"connection": connection})
    else:
        from plugin_contract.versions import capabilities

        answer = capabilities(version)
        if as_json:
            # The route's own bytes.
            sys.stdout.write(answer.model_dump_json() + "\n")
            return
        found = answer.model_dump(mode="json")
    if as_json:
        print_json(found)
        return
    out = console()
    out.print(Text(f"reported    {found['reported'] or 'nothing'}"))
    out.print(Text(f"may be      {', '.join(found['may_be']) or 'not known'}"))
    out.print(Text(f"recommended {found['recommended']}"))
    for name, can in found["capabilities"].items():
        out.print(Text(f"  {can:<6}    {_WORDS.get(name, name)}"))
    out.print(
        Text(f"restock: {'allowed' if found['restock']['allowed'] else 'not allowed'}. {found['restock']['because']}")
    )
    for warning in found["warnings"]:
        out.print(Text(f"warning: {warning}", style="yellow"))
