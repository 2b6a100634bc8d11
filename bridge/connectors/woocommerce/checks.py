"""What connecting and doctor look at in a WooCommerce store, and what they say of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from bridge.connectors.checking import Checks
from bridge.connectors.woocommerce import registration
from bridge.connectors.woocommerce.answers import Answer
from bridge.connectors.woocommerce.client import Client
from bridge.connectors.woocommerce.door import TOPICS
from bridge.connectors.woocommerce.ordering import CENTS
from bridge.connectors.woocommerce.store import about_of, status_of, version_of
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry
from bridge.ports import Finding

FIRST_SECONDS: Final = 12.0
OLDEST: Final = (5, 8)
"""The first version that lists orders by their time of change (`modified_after`)."""
_REST: Final = ("version", "currency", "stock keeping", "permission to write", "webhooks", "newest order")


async def first_look(client: Client, checks: Checks) -> Mapping[str, Any] | RemoteProblem:
    """The way there and the key, by one read."""
    try:
        async with asyncio.timeout(FIRST_SECONDS):
            status = await status_of(client)
    except TimeoutError:
        problem = RemoteProblem(Retry(f"The store did not answer within {FIRST_SECONDS:.0f} seconds"))
    except RemoteProblem as found:
        problem = found
    else:
        checks.say(Finding("ok", "reachable", "The store answers as WooCommerce does."))
        checks.say(Finding("ok", "authorized", "WooCommerce knows the key and lets it in."))
        return status
    because = problem.outcome.because
    if isinstance(problem.outcome, Reauth):
        checks.say(Finding("error", "not_authorized", because))
    elif isinstance(problem.outcome, Rejected):
        checks.say(Finding("error", "refused", because))
    else:
        checks.say(Finding("error", "unreachable", f"{because}. Run doctor again."))
    checks.not_checked(_REST, "of the error above")
    return problem


def about_store(status: Mapping[str, Any]) -> list[Finding]:
    """Version, currency, decimals and stock. Raises `RemoteProblem` where it names no currency."""
    version, about = version_of(status), about_of(status)
    found = [_about_version(version)]
    if about.decimals is not None and about.decimals < CENTS:
        said = (
            f"WooCommerce shows prices with {about.decimals} decimals and rounds totals to them: orders with cents "
            "cannot be made. Set WooCommerce › Settings › General › Number of decimals to 2."
        )
        found.append(Finding("warning", "decimals", said))
    return [*found, Finding("ok", "currency", f"The store's currency is {about.currency}.")]


def _about_version(version: str) -> Finding:
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if len(parts) == len(OLDEST) and parts < OLDEST:
        said = f"WooCommerce {version} cannot list orders by their time of change: update it to 5.8 or newer."
        return Finding("error", "version", said)
    return Finding("ok", "version", f"WooCommerce is version {version or 'unknown'}.")


async def about_stock(client: Client) -> list[Finding]:
    """Raises `RemoteProblem`."""
    answer = await client.read("/settings/products/woocommerce_manage_stock")
    if isinstance(answer.body, dict) and answer.body.get("value") == "no":
        said = (
            "WooCommerce keeps no stock at all, so nothing is taken and nothing comes back. If it should: Settings › "
            "Products › Inventory › Enable stock management."
        )
        return [Finding("warning", "stock_unmanaged", said)]
    return [Finding("ok", "stock_managed", "WooCommerce keeps stock of the products that are set to it.")]


async def may_write(client: Client) -> list[Finding]:
    """A batch of nothing: WooCommerce judges the key's permission before it looks at what is asked. Raises
    `RemoteProblem`.
    """
    answer = await client.write("POST", "/orders/batch", "{}")
    if isinstance(answer, Answer):
        if answer.status in {401, 403} and answer.code:
            said = (
                f"The key may not change orders: {answer.said} Give it the permission Read/Write under Settings › "
                "Advanced › REST API, and a user who may manage WooCommerce."
            )
            return [Finding("error", "read_only", said)]
        if answer.is_ok:
            return [Finding("ok", "writes", "The key may make and refund orders.")]
        said = f"Whether the key may change orders cannot be told: {answer.said}"
        return [Finding("warning", "not_checked", said)]
    return [Finding("warning", "not_checked", f"Not checked: permission to write. {getattr(answer, 'because', '')}")]


async def registering(
    client: Client, connection_id: str, secret: str, public_url: str, *, mend: bool, anew: bool = False
) -> tuple[str, list[Finding]]:
    """`full` or `sweep-only`, and what to say of the messages. Raises `RemoteProblem`."""
    if not public_url:
        said = "BRIDGE_PUBLIC_URL is not set, so WooCommerce cannot tell us of changes; they are found by the sweep."
        return "sweep-only", [Finding("warning", "public_url_missing", said)]
    told = await registration.register(client, public_url, connection_id, secret, mend=mend, anew=anew)
    findings: list[Finding] = []
    if told.missing:
        missing = ", ".join(told.missing)
        said = f"WooCommerce does not send {missing}; these changes are found by the sweep. {told.because}".strip()
        findings.append(Finding("warning" if mend else "error", "webhook_missing", said))
    else:
        number = len(TOPICS)
        findings.append(Finding("ok", "webhooks", f"WooCommerce sends {number} kinds of messages here."))
    if told.mended:
        said = f"WooCommerce had disabled, or never had, {', '.join(told.mended)}: asked for again."
        findings.append(Finding("ok", "webhooks_mended", said))
    return "sweep-only" if told.missing else "full", findings
