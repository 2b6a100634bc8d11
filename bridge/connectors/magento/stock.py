"""Products and salable quantities of one Magento."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from bridge.connectors.magento.answers import Absent
from bridge.connectors.magento.client import Client, expect_object, expect_rows
from bridge.connectors.magento.ordering import Product
from bridge.connectors.magento.reading import text
from bridge.connectors.magento.search import criteria, encode
from bridge.domain.money import NotMoney, decimal_of
from bridge.domain.outcomes import Reauth, RemoteProblem, Retry

_BATCH = 50
_FIELDS = "items[id,sku,type_id,name,weight],total_count"


async def read_products(client: Client, skus: Sequence[str]) -> dict[str, Product]:
    """Products by the SKU asked for; what the store does not know is absent. Raises `RemoteProblem`.

    Magento compares SKUs without regard to case; an exact match wins.
    """
    wanted = [sku for sku in dict.fromkeys(skus) if sku]
    plain = [sku for sku in wanted if "," not in sku]
    batches = [plain[start : start + _BATCH] for start in range(0, len(plain), _BATCH)]
    # `in` takes a list joined by commas, so a SKU that has one is asked for alone.
    queries = [("in", ",".join(batch)) for batch in batches] + [("eq", sku) for sku in wanted if "," in sku]
    found: dict[str, Product] = {}
    for condition, value in queries:
        query = criteria([("sku", condition, value)], page_size=_BATCH * 2, fields=_FIELDS)
        page = expect_object(await client.get("/rest/V1/products", query), "products")
        for row in expect_rows(page.get("items"), "products"):
            product = Product(
                id=text(row.get("id")),
                sku=text(row.get("sku")),
                name=text(row.get("name")) or text(row.get("sku")),
                type_id=text(row.get("type_id")),
                weight=_decimal(row.get("weight")) or Decimal(0),
            )
            if product.id.isdigit() and product.sku:
                found[product.sku] = product
    folded = {sku.casefold(): product for sku, product in found.items()}
    return {sku: found.get(sku) or folded[sku.casefold()] for sku in wanted if sku in found or sku.casefold() in folded}


async def read_salable(client: Client, website: str, skus: Sequence[str]) -> dict[str, Decimal] | None:
    """Salable quantity per SKU in the website's stock; SKUs the store cannot tell are absent.

    None without Magento's inventory modules, or where the integration may not read stock. A SKU with `/` cannot be
    asked for: Magento 2.4.6 refuses a signed path with `%2F` (magento/magento2#37913). Raises `RemoteProblem`.
    """
    if not website:
        return None
    try:
        stock = await client.get(
            f"/rest/V1/inventory/stock-resolver/website/{encode(website)}", absent=Absent.ENTITY_OR_ROUTE
        )
    except RemoteProblem as problem:
        if isinstance(problem.outcome, Reauth) and "InventorySalesApi" in problem.outcome.because:
            return None
        raise
    if stock is None:
        return None
    stock_id = text(expect_object(stock, "stock").get("stock_id"))
    if not stock_id:
        return None
    told: dict[str, Decimal] = {}
    for sku in dict.fromkeys(skus):
        if not sku or "/" in sku or "\\" in sku:
            continue
        quantity = await _salable(client, sku, stock_id)
        if quantity is not None:
            told[sku] = quantity
    return told


async def _salable(client: Client, sku: str, stock_id: str) -> Decimal | None:
    path = f"/rest/V1/inventory/get-product-salable-quantity/{encode(sku)}/{encode(stock_id)}"
    try:
        return _decimal(await client.get(path, absent=Absent.ENTITY_OR_ROUTE))
    except RemoteProblem as problem:
        # An unknown SKU, or one that manages no stock, ends in an error of its own (500 in plain text): cannot tell.
        if isinstance(problem.outcome, Retry) and not problem.outcome.throttled and _is_this_sku(problem.outcome):
            return None
        raise


def _is_this_sku(outcome: Retry) -> bool:
    return "HTTP 500" in outcome.because or "Report ID" in outcome.because


def _decimal(value: object) -> Decimal | None:
    try:
        return decimal_of(value)
    except NotMoney:
        return None
