"""What connecting and doctor look at in a Shopify shop, and what they say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from bridge.connectors.checking import Checks
from bridge.connectors.shopify import registration
from bridge.connectors.shopify.answers import told_errors
from bridge.connectors.shopify.client import Client
from bridge.connectors.shopify.documents import ABOUT, DEFINITION, KEY, NAMESPACE
from bridge.connectors.shopify.reading import rows_in, text
from bridge.connectors.shopify.scopes import NEEDED, lacking
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry
from bridge.ports import Finding

FIRST_SECONDS: Final = 12.0
_TAKEN: Final = frozenset({"TAKEN", "UNSTRUCTURED_ALREADY_EXISTS"})
_REST: Final = ("version", "scopes", "the field for TikTok's order id", "webhooks", "newest order")


async def first_look(client: Client, checks: Checks) -> Mapping[str, Any] | RemoteProblem:
    """The way there and the credentials, by one read that every app may make."""
    try:
        async with asyncio.timeout(FIRST_SECONDS):
            about = await client.read(ABOUT)
    except TimeoutError:
        problem = RemoteProblem(Retry(f"Shopify did not answer within {FIRST_SECONDS:.0f} seconds"))
    except RemoteProblem as found:
        problem = found
    else:
        checks.say(Finding("ok", "reachable", "The shop answers as Shopify does."))
        checks.say(Finding("ok", "authorized", "Shopify knows the app and lets it in."))
        return about
    because = problem.outcome.because
    if isinstance(problem.outcome, Reauth):
        checks.say(Finding("error", "not_authorized", because))
    elif isinstance(problem.outcome, Rejected):
        checks.say(Finding("error", "refused", because))
    else:
        checks.say(Finding("error", "unreachable", f"{because}. Run doctor again."))
    checks.not_checked(_REST, "of the error above")
    return problem


async def registering(
    client: Client, connection_id: str, credentials: Mapping[str, Any], public_url: str, *, mend: bool
) -> tuple[str, list[Finding]]:
    """`full` or `sweep-only`, and what to say of the messages. Raises `RemoteProblem`."""
    if not credentials.get("client_secret"):
        said = "Without the client secret Shopify's messages cannot be verified: changes are found by the sweep."
        return "sweep-only", [Finding("warning", "sweep_only", said)]
    if not public_url:
        said = "BRIDGE_PUBLIC_URL is not set, so Shopify cannot tell us of changes; they are found by the sweep."
        return "sweep-only", [Finding("warning", "public_url_missing", said)]
    told = await registration.register(client, public_url, connection_id, mend=mend)
    findings: list[Finding] = []
    if told.missing:
        missing = ", ".join(told.missing)
        said = f"Shopify does not send {missing}; these changes are found by the sweep. {told.because}".strip()
        findings.append(Finding("warning" if mend else "error", "webhook_missing", said))
    else:
        number = len(registration.TOPICS)
        findings.append(Finding("ok", "webhooks", f"Shopify sends {number} kinds of messages here."))
    if told.made:
        said = f"Shopify had dropped, or never had, {', '.join(told.made)}: asked for again."
        findings.append(Finding("ok", "webhooks_mended", said))
    return "sweep-only" if told.missing else "full", findings


def about_version(client: Client, about: Mapping[str, Any]) -> list[Finding]:
    rows = rows_in(about.get("publicApiVersions"), "publicApiVersions")
    supported = sorted(text(row.get("handle")) for row in rows if row.get("supported") is True)
    if client.version in supported:
        return [Finding("ok", "api_version", f"Shopify supports version {client.version} of its Admin API.")]
    told = (
        f"Shopify no longer lists version {client.version} of its Admin API (it has {', '.join(supported) or 'none'})"
    )
    return [Finding("error", "api_version", f"{told}: install a newer version of the bridge.")]


def about_scopes(about: Mapping[str, Any]) -> list[Finding]:
    installed = about.get("currentAppInstallation")
    missing = lacking(installed if isinstance(installed, dict) else {})
    found = [
        Finding(
            "error",
            "scope_missing",
            f"The app lacks the scope {name}, needed to {NEEDED[name]}. Add it in the Dev Dashboard under your app › "
            "Versions, release that version, agree to it in the shop, and run doctor.",
        )
        for name in missing
    ]
    return found or [Finding("ok", "scopes", "The app has every scope it needs.")]


async def about_metafield(client: Client) -> list[Finding]:
    """The unique metafield by which our own orders are found again, made once."""
    definition = {
        "name": "TikTok Shop order",
        "namespace": NAMESPACE,
        "key": KEY,
        "type": "id",
        "ownerType": "ORDER",
        "capabilities": {"uniqueValues": {"enabled": True}},
    }
    answer = await client.write(DEFINITION, {"definition": definition}, "metafieldDefinitionCreate")
    if not isinstance(answer, Mapping):
        because = str(getattr(answer, "because", ""))
    else:
        errors = rows_in(answer.get("userErrors"), "errors")
        because = "" if {str(one.get("code")) for one in errors} <= _TAKEN else told_errors(errors)
    if not because:
        return [Finding("ok", "metafield", "Orders carry TikTok's order id in a unique field of the app's own.")]
    said = (
        f"The field for TikTok's order id could not be made: {because} Orders are found by their source's id and name."
    )
    return [Finding("warning", "metafield", said)]
