"""What a store's own report says about the plugin, the permissions and the inventory, in sentences for a merchant."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bridge.connectors.magento.answers import Absent
from bridge.connectors.magento.client import Client
from bridge.connectors.magento.views import StoreReport, capabilities
from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import Finding, StoreView
from plugin_contract import versions
from plugin_contract.report import ALL_PERMISSIONS

NEEDED: Final = {
    "Magento_Backend::store": "read the plugin's version and register for its messages",
    "Magento_Sales::actions_view": "read orders",
    "Magento_Sales::api_actions": "create orders (since the patches of February 2025)",
    "Magento_Sales::create": "create orders (before these patches)",
    "Magento_Sales::invoice": "invoice orders",
    "Magento_Sales::creditmemo": "refund orders",
    "Magento_Sales::sales_creditmemo": "read credit memos",
    "Magento_Catalog::products": "find products by SKU",
    "Magento_InventorySalesApi::stock": "read salable quantities",
}
"""The resources our calls need, and what for. Either of the two for creating may be the one that counts."""
_EITHER = frozenset({"Magento_Sales::api_actions", "Magento_Sales::create"})


def about_plugin(report: StoreReport, override: str | None = None) -> list[Finding]:
    """`override`: the version an operator says is really installed."""
    reported = report.version.reported
    judged = capabilities(reported, override, datetime.now(UTC))
    if not judged.refunds_work:
        return [Finding("error", "plugin_refunds_fail", judged.refunds_because)]
    if reported is None:
        return [Finding("warning", "plugin_missing", " ".join(judged.warnings))]
    level = "ok" if judged.restock_allowed and judged.creditmemo_events else "warning"
    can = "restock works" if judged.restock_allowed else f"no restock: {judged.restock_because}"
    text = f"The AfterShip TikTok Shop plugin reports version {reported}; {can.rstrip('.')}."
    found = [Finding(level, "plugin", text)]
    return found + [Finding("warning", "plugin_version", text) for text in judged.warnings]


def about_permissions(report: StoreReport, credentials: Mapping[str, Any]) -> list[Finding]:
    granted = report.version.granted
    if not granted:
        told = "The store does not say what the integration may do; the plugin tells that from 1.0.6 on."
        return [Finding("warning", "permissions_unknown", told)]
    found: list[Finding] = []
    if ALL_PERMISSIONS in granted:
        bearer = bool(credentials.get("bearer_token"))
        found.append(
            Finding(
                "warning" if bearer else "ok",
                "permissions_all",
                "The token may do everything. Make sure that it belongs to an integration and not to an admin user, "
                "whose token ends after hours."
                if bearer
                else "The integration may do everything; the short list in the documentation is enough.",
            )
        )
        return found
    lacking = [name for name in NEEDED if name not in granted]
    if _EITHER & granted:
        lacking = [name for name in lacking if name not in _EITHER]
        for name in sorted(_EITHER - granted):
            text = f"Grant {name} too: Magento changed which of the two creating an order needs."
            found.append(Finding("warning", "permission_half", text))
    for name in lacking:
        level = "warning" if name == "Magento_InventorySalesApi::stock" else "error"
        text = f"The integration lacks {name}, needed to {NEEDED[name]}. Grant it in System › Integrations › API."
        found.append(Finding(level, "permission_missing", text))
    return found or [Finding("ok", "permissions", "The integration has every permission it needs.")]


async def reads_inventory(client: Client, views: tuple[StoreView, ...]) -> bool | None:
    """Whether Magento's inventory modules (MSI) answer; None where the integration may not ask."""
    website = next((view.website for view in views if view.website), "base")
    try:
        stock = await client.get(f"/rest/V1/inventory/stock-resolver/website/{website}", absent=Absent.ENTITY_OR_ROUTE)
    except RemoteProblem as problem:
        if isinstance(problem.outcome, Reauth):
            return None
        raise
    return stock is not None


def about_inventory(*, inventory: bool | None) -> Finding:
    if inventory is None:
        text = "Salable quantities cannot be read, so it cannot be checked whether a new order took its stock."
        return Finding("warning", "stock_unreadable", text)
    if inventory:
        return Finding("ok", "msi_on", "Magento's inventory (MSI) is on; salable quantities can be read.")
    text = (
        "Magento's inventory modules (MSI) are off. Restock was measured with MSI only: check the first refunds' stock."
    )
    return Finding("warning", "msi_off", text)


def not_registered(credentials: Mapping[str, Any], public_url: str) -> list[Finding]:
    if not credentials.get("consumer_key"):
        text = (
            "Connected in sweep-only mode: the plugin signs its messages with the consumer key, which was not given. "
            "Changes are found by the sweep. Give the consumer key, or all four OAuth values, to hear of them at once."
        )
        return [Finding("warning", "sweep_only", text)]
    if not public_url:
        text = "BRIDGE_PUBLIC_URL is not set, so the store cannot tell us of changes; they are found by the sweep."
        return [Finding("warning", "public_url_missing", text)]
    text = (
        "The store has no interface of the plugin to register with: the plugin is missing or older than 1.0.6. Install "
        f"version {versions.RECOMMENDED}; until then changes are found by the sweep."
    )
    return [Finding("warning", "hooks_unavailable", text)]
