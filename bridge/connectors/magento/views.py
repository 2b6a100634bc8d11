"""The store views of one Magento, the website each belongs to, and the plugin's version report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.connectors.magento.answers import Answer, read_problem
from bridge.connectors.magento.client import Client, expect_rows
from bridge.connectors.magento.reading import text
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.outcomes import Rejected, RemoteProblem
from bridge.ports import StoreView
from plugin_contract import report, versions
from plugin_contract.report import VersionReport


@dataclass(frozen=True, slots=True)
class StoreReport:
    """One reading of `GET /V1/store/storeConfigs`."""

    version: VersionReport
    configs: Sequence[Mapping[str, Any]]


async def read_report(client: Client) -> StoreReport:
    """Raises `RemoteProblem`."""
    return _report(await client.get(report.PATH))


def parse_report(answer: Answer) -> StoreReport:
    """The report in an answer that was a success. Raises `RemoteProblem`."""
    try:
        return _report(answer.json())
    except ValueError:
        raise read_problem(answer) from None


def _report(body: object) -> StoreReport:
    configs = expect_rows(body, "store configs")
    try:
        return StoreReport(report.read_report(configs), configs)
    except report.UnreadableReport as problem:
        raise RemoteProblem(Rejected(str(problem), code="shape")) from None


async def read_views(client: Client, configs: Sequence[Mapping[str, Any]]) -> tuple[StoreView, ...]:
    """All store views but the admin's, by id, with base currency and website code. Raises `RemoteProblem`."""
    websites = expect_rows(await client.get("/rest/V1/store/websites"), "websites")
    stores = expect_rows(await client.get("/rest/V1/store/storeViews"), "store views")
    codes = {text(site.get("id")): text(site.get("code")) for site in websites}
    names = {text(store.get("code")): text(store.get("name")) for store in stores}
    views = [
        StoreView(
            code=text(config.get("code")),
            id=text(config.get("id")),
            website=codes.get(text(config.get("website_id")), ""),
            currency=text(config.get("base_currency_code")),
            name=names.get(text(config.get("code")), ""),
        )
        for config in configs
        if text(config.get("code")) not in {"", "admin"} and text(config.get("id")).isdigit()
    ]
    return tuple(sorted(views, key=lambda view: int(view.id)))


def find_view(views: Sequence[StoreView], wanted: str) -> StoreView | None:
    """By code, else by id; empty means the default view: the one called `default`, else the first."""
    if not wanted:
        return next((view for view in views if view.code == "default"), views[0] if views else None)
    by_code = next((view for view in views if view.code == wanted), None)
    return by_code or next((view for view in views if view.id == wanted), None)


def capabilities(reported: str | None, override: str | None, read_at: datetime) -> StoreCapabilities:
    """What the plugin that reports this can do, in the core's words."""
    judged = versions.capabilities(reported, override=override)
    table = judged.capabilities
    works = table.refunds is not versions.Can.UNSAFE
    return StoreCapabilities(
        reported=judged.reported,
        restock_allowed=judged.restock.allowed,
        restock_because=judged.restock.because,
        refunds_work=works,
        refunds_because=""
        if works
        else next(iter(judged.warnings), f"Refunds fail with plugin {reported}; install {judged.recommended}."),
        creditmemo_events=table.creditmemo_events is versions.Can.YES,
        reservation_result=table.reservation_result is versions.Can.YES,
        reserves_on_create=judged.reserve_on_create is versions.Can.YES,
        warnings=judged.warnings,
        read_at=read_at,
    )
