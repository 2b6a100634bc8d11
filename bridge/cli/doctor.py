"""`bridge doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli import alert_findings
from bridge.cli.api import Api, ApiProblem, NoService, segment, service
from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, UrlOption, console, findings, print_json

if TYPE_CHECKING:
    from bridge.config import Config

Finding = dict[str, str]


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    *,
    new_key: Annotated[bool, typer.Option("--new-key", help="Only print a new BRIDGE_SECRET_KEY")] = False,
    as_json: JsonOption = False,
    url: UrlOption = None,
) -> None:
    """Look at settings, database, service and every connection; mend registrations; say what to do.

    While a service runs it is asked; otherwise its settings and database are looked at from here. Ends with 1 where
    something is wrong.
    """
    if new_key:
        from bridge.storage.secrets import generate_key

        typer.echo(generate_key())
        return
    api = service(url)
    report: dict[str, list[Finding]] = {}
    with Console(stderr=True).status("looking at the service"):
        try:
            report["service"] = _service(api)
        except NoService as problem:
            # Where a service was named it should be there; else a stopped one is worth knowing only.
            level = "error" if url or os.environ.get("BRIDGE_URL") else "warning"
            report["service"] = [_finding(level, "not_running", str(problem))]
    runs = report["service"][0]["code"] != "not_running"
    report["settings and database"] = asyncio.run(_local(is_running=runs))
    if runs:
        report["alerts"] = _alerts(api)
        report |= _connections(api)
    broken = any(one["level"] == "error" for found in report.values() for one in found)
    if as_json:
        print_json({"ok": not broken, "findings": report})
    else:
        out = console()
        for place, found in report.items():
            if not found:
                continue
            out.print(Text(place, style="bold"))
            findings(out, found)
    if broken:
        raise Failed("something is wrong; see the errors above")


def _finding(level: str, code: str, text: str) -> Finding:
    return {"level": level, "code": code, "text": text}


def _service(api: Api) -> list[Finding]:
    found = api.get("/healthz")
    told = [_finding("ok", "running", f"Version {found['version']} answers at {api.url}.")]
    try:
        api.get("/readyz")
        told.append(_finding("ok", "ready", "It can do its work."))
    except ApiProblem as problem:
        told += [_finding("error", "not_ready", str(text)) for text in problem.body.get("problems", [str(problem)])]
    return told


def _alerts(api: Api) -> list[Finding]:
    try:
        return alert_findings.findings(api.get("/api/v1/alert-targets")["targets"])
    except ApiProblem as problem:
        return [_finding("error", problem.slug, str(problem))]


def _connections(api: Api) -> dict[str, list[Finding]]:
    report: dict[str, list[Finding]] = {}
    try:
        connections = api.get("/api/v1/connections")["connections"]
    except ApiProblem as problem:
        return {"connections": [_finding("error", problem.slug, str(problem))]}
    for connection in connections:
        place = f"{connection['kind']}: {connection['name']} ({connection['id']})"
        with Console(stderr=True).status(f"looking at {connection['name']}"):
            report[place] = _connection(api, connection)
    if not connections:
        report["connections"] = [_finding("warning", "none", "Nothing is connected yet: bridge connect --help")]
    return report


def _connection(api: Api, connection: Mapping[str, Any]) -> list[Finding]:
    if connection["state"] == "announced":
        return [_finding("warning", "announced", connection["because"] or "Announced, not connected yet.")]
    try:
        found = api.post(f"/api/v1/connections/{segment(connection['id'])}/doctor")
    except ApiProblem as problem:
        return [_finding("error", problem.slug, str(problem))]
    return list(found["findings"]) or [_finding("ok", "connected", "It is connected.")]


async def _local(*, is_running: bool) -> list[Finding]:
    """As seen from here. The service that runs may have been given other settings, and speaks for those itself."""
    from bridge.cli.settled import config

    settings = config()
    if is_running:
        is_here = not settings.is_embedded or (settings.data_dir / "secret.key").exists()
        return await _database(settings) if is_here else []
    told: list[Finding] = []
    if settings.public_url is None:
        text = "BRIDGE_PUBLIC_URL is not set: shops elsewhere cannot be told where to deliver. Sweeps go on without."
        told.append(_finding("warning", "no_public_url", text))
    if settings.allow_private_urls:
        text = "BRIDGE_ALLOW_PRIVATE_URLS is on: for trying out only. Switch it off in production."
        told.append(_finding("warning", "private_urls", text))
    return told + await _database(settings)


async def _database(settings: Config) -> list[Finding]:
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
            told = [_finding(one.level, one.code, one.text) for one in await database.findings()]
            await database.read(lambda conn: _opens(conn, vault))
        finally:
            await database.close()
    except (KeyMissing, StorageProblem, ValueError, OSError) as problem:
        return [_finding("error", "database", str(problem))]
    return [*told, _finding("ok", "secret_key", "The secret key opens what is stored.")]


async def _opens(conn: Any, vault: Any) -> None:
    """Raises `WrongSecretKey`; writes nothing."""
    from bridge.storage import meta

    stored = await meta.get(conn, "secret_key_check")
    if stored is not None:
        vault.open(stored)
