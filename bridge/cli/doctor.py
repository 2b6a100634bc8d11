"""`bridge doctor`: what is right, what is wrong, and what to do about it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli.api import Api, ApiProblem, NoService, segment, service
from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, UrlOption, console, findings, print_json

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.ports import Finding as Told

Finding = dict[str, str]
Report = dict[str, list[Finding]]


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    connection: Annotated[
        str | None,
        typer.Argument(help="Only this connection, by id or name", show_default=False),
    ] = None,
    *,
    mend: Annotated[
        bool, typer.Option("--mend/--no-mend", help="Register again what is missing at the shops, or only look")
    ] = True,
    new_key: Annotated[bool, typer.Option("--new-key", help="Only print a new BRIDGE_SECRET_KEY")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Look at settings, database, service and every connection; mend registrations; say what to do.

    Of each connection: whether it is reached and lets us in, permissions, clocks, the plugin's version, registrations,
    whether messages come, and whether a signed test delivery to our own public address is taken in. What is wrong comes
    first.

    While a service runs it is asked; otherwise its settings and database are looked at from here. Ends with 1 where
    something is wrong.
    """
    if new_key:
        from bridge.storage.secrets import generate_key

        typer.echo(generate_key())
        return
    api = service(url)
    report: Report = {}
    out = console()
    for place, found in _look(api, connection, mend=mend, is_named=bool(url or os.environ.get("BRIDGE_URL"))):
        report[place] = found
        # As it comes: the next connection may take its half minute.
        if found and not as_json:
            out.print(Text(place, style="bold"))
            findings(out, found)
    wrong = [one for found in report.values() for one in found if one["level"] == "error"]
    if as_json:
        print_json({"ok": not wrong, "findings": report})
    if wrong:
        raise Failed(f"something is wrong; see the {len(wrong)} errors above")


def _look(api: Api, connection: str | None, *, mend: bool, is_named: bool) -> Iterator[tuple[str, list[Finding]]]:
    """Place after place. Raises `Failed` for a connection that is none."""
    try:
        with Console(stderr=True).status("looking at the service"):
            running = _running(api)
    except NoService as problem:
        if connection is not None:
            raise Failed(f"connections are looked at by the service: {problem}") from None
        # Where a service was named it should be there; else a stopped one is worth knowing only.
        yield "service", [_finding("error" if is_named else "warning", "not_running", str(problem))]
        yield "settings and database", asyncio.run(_local())
        return
    try:
        health = api.get("/api/v1/doctor")
    except ApiProblem as problem:
        yield "service", [_finding("error", "api_refused", str(problem)), *running]
        return
    chosen = _chosen(health["connections"], connection)
    if connection is None:
        told = [*running, *health["findings"]]
        yield "service", sorted(told, key=lambda one: ("error", "warning", "ok").index(one["level"]))
    for one in chosen:
        with Console(stderr=True).status(f"looking at {one['name']}"):
            found = _connection(api, one, mend=mend)
        yield f"{one['kind']}: {one['name']} ({one['id']})", found
    if not chosen:
        yield "connections", [_finding("warning", "none", "Nothing is connected yet: bridge connect --help")]


def _chosen(connections: list[dict[str, Any]], wanted: str | None) -> list[dict[str, Any]]:
    if wanted is None:
        return connections
    found = [one for one in connections if wanted == one["id"]]
    found = found or [one for one in connections if wanted.casefold() == str(one["name"]).casefold()]
    if not found:
        names = ", ".join(f"{one['name']} ({one['id']})" for one in connections) or "none at all"
        raise Failed(f"there is no connection {wanted!r}; there are: {names}")
    return found


def _finding(level: str, code: str, text: str) -> Finding:
    return {"level": level, "code": code, "text": text}


def _running(api: Api) -> list[Finding]:
    found = api.get("/healthz")
    told = [_finding("ok", "running", f"Version {found['version']} answers at {api.url}.")]
    try:
        api.get("/readyz")
        told.append(_finding("ok", "ready", "It can do its work."))
    except ApiProblem as problem:
        told += [_finding("error", "not_ready", str(text)) for text in problem.body.get("problems", [str(problem)])]
    return told


def _connection(api: Api, connection: Mapping[str, Any], *, mend: bool) -> list[Finding]:
    if connection["state"] == "announced":
        return [_finding("warning", "announced", connection["because"] or "Announced, not connected yet.")]
    path = f"/api/v1/connections/{segment(connection['id'])}/doctor"
    try:
        return list(api.post(path if mend else f"{path}?mend=false")["findings"])
    except ApiProblem as problem:
        return [_finding("error", "not_looked_at", str(problem))]


async def _local() -> list[Finding]:
    """As seen from here, while no service runs."""
    from bridge.checkup import settings_findings
    from bridge.cli.settled import config

    settings = config()
    found = [*_plain(settings_findings(settings)), *await _database(settings)]
    return sorted(found, key=lambda one: ("error", "warning", "ok").index(one["level"]))


async def _database(settings: Config) -> list[Finding]:
    from bridge.checkup import database_findings
    from bridge.keys import KeyMissing, secret_keys
    from bridge.storage.engine import Database
    from bridge.storage.errors import StorageProblem
    from bridge.storage.migrate import check_version
    from bridge.storage.secrets import Vault

    is_new = settings.is_embedded and not (settings.data_dir / "secret.key").exists() and settings.secret_key is None
    if is_new:
        text = f"There is no data in {settings.data_dir.absolute()} yet; `bridge serve` makes it."
        return [_finding("warning", "no_data", text)]
    try:
        vault = Vault(secret_keys(settings))
        database = await Database.open(settings.database, exclusive=False)
        try:
            await check_version(database)
            told = _plain(await database_findings(database))
            await database.read(lambda conn: _opens(conn, vault))
        finally:
            await database.close()
    except (KeyMissing, StorageProblem, ValueError, OSError) as problem:
        return [_finding("error", "database", str(problem))]
    return [*told, _finding("ok", "secret_key", "The secret key opens what is stored.")]


def _plain(told: list[Told]) -> list[Finding]:
    return [_finding(one.level, one.code, one.text) for one in told]


async def _opens(conn: Any, vault: Any) -> None:
    """Raises `WrongSecretKey`; writes nothing."""
    from bridge.storage import meta

    stored = await meta.get(conn, "secret_key_check")
    if stored is not None:
        vault.open(stored)
