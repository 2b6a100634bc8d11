"""A caller of the sandbox with code of its own: documents written here, answers read here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bridge.sandbox.shopify import ShopifySandbox

SCHEMAS = Path(__file__).resolve().parents[4] / "shared" / "schemas" / "shopify"
ABSENT = f"the official schema is not beside the repository: {SCHEMAS}"

HOME = "gid://shopify/Location/655441491"
ORDER = """query Order($id: ID!) { order(id: $id) {
  id name cancelledAt cancelReason cancellation { staffNote } displayFinancialStatus displayFulfillmentStatus
  lineItems(first: 50) { nodes { id sku quantity currentQuantity unfulfilledQuantity refundableQuantity } }
  transactions { id kind gateway manualPaymentGateway amountSet { shopMoney { amount } } }
  refunds { id note totalRefundedSet { shopMoney { amount } } }
  fulfillmentOrders(first: 10) { nodes { id status requestStatus fulfillmentHolds { id handle } } }
} }"""
CANCEL = """mutation Cancel($id: ID!, $restock: Boolean!, $note: String, $method: OrderCancelRefundMethodInput) {
  orderCancel(orderId: $id, reason: OTHER, restock: $restock, staffNote: $note, refundMethod: $method) {
    job { id done } jobResult { id done status } orderCancelUserErrors { field message code } } }"""
CANCEL_OLD = """mutation Cancel($id: ID!) { orderCancel(orderId: $id, reason: OTHER, restock: true) {
    job { id done } orderCancelUserErrors { code } } }"""
RESULT = """query Result($id: ID!) { node(id: $id) { ... on OrderCancelJobResult {
    done status errors { code message } order { cancelledAt } } } }"""
REFUND = """mutation Refund($input: RefundInput!, $key: String!) { refundCreate(input: $input) @idempotent(key: $key) {
    refund { id note totalRefundedSet { shopMoney { amount } } } userErrors { field message } } }"""
CREATE = """mutation Create($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) { order { id name totalPriceSet { shopMoney { amount } }
    totalTaxSet { shopMoney { amount } } displayFinancialStatus sourceIdentifier }
    userErrors { field message code } } }"""
SUBSCRIBE = """mutation Subscribe($topic: WebhookSubscriptionTopic!, $sub: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $sub) {
    webhookSubscription { id topic uri name } userErrors { field message } } }"""
SUBSCRIPTIONS = "{ webhookSubscriptions(first: 50) { nodes { id topic uri } } }"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def data(self) -> Any:
        assert "errors" not in self.body, self.body
        return self.body["data"]

    @property
    def code(self) -> str | None:
        found: str | None = self.body["errors"][0].get("extensions", {}).get("code")
        return found


@dataclass
class Store:
    box: ShopifySandbox
    session: aiohttp.ClientSession
    base: str
    token: str

    async def ask(self, query: str, variables: dict[str, Any] | None = None, version: str = "2026-10") -> Answer:
        async with self.session.post(
            f"{self.base}/admin/api/{version}/graphql.json",
            json={"query": query, "variables": variables or {}},
            headers={"X-Shopify-Access-Token": self.token},
        ) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.json())

    async def control(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        async with self.session.request(method, f"{self.base}/_control/{path}", json=body) as answer:
            text = await answer.text()
            assert answer.status == expect, f"{path}: {answer.status} {text}"
            return json.loads(text)

    async def settings(self, **changes: Any) -> None:
        await self.control("PATCH", "settings", changes)

    async def token_answer(self, **form: str) -> tuple[int, Any]:
        async with self.session.post(f"{self.base}/admin/oauth/access_token", data=form) as answer:
            return answer.status, await answer.json()

    async def placed(self, quantity: int = 3, **more: Any) -> Any:
        """An order of another connector: `quantity` of SKU-A at 19.99 and 5.00 shipping, ten in stock before."""
        await self.control("POST", "variants", {"sku": "SKU-A", "price": "19.99", "available": 10})
        return await self.control(
            "POST", "orders", {"lines": [{"sku": "SKU-A", "quantity": quantity}], "shipping": "5.00", **more}
        )

    async def stock(self, sku: str = "SKU-A") -> tuple[int, int, int]:
        """Available, committed, on hand."""
        held = await self.control("GET", f"stock/{sku}")
        return held["available"], held["committed"], held["on_hand"]

    async def cancel(self, order: Any, *, restock: bool = True, **more: Any) -> Any:
        return (await self.ask(CANCEL, {"id": order["gid"], "restock": restock, **more})).data["orderCancel"]

    async def refund(self, order: Any, quantity: int, restock: str, amount: str | None, key: str = "k") -> Any:
        line: dict[str, Any] = {"lineItemId": order["lines"][0]["gid"], "quantity": quantity, "restockType": restock}
        if restock != "NO_RESTOCK":
            line["locationId"] = HOME
        given: dict[str, Any] = {"orderId": order["gid"], "note": "[bridge:x]", "refundLineItems": [line]}
        if amount is not None:
            paid = order["transactions"][0]
            given["transactions"] = [
                {
                    "orderId": order["gid"],
                    "gateway": paid["gateway"],
                    "kind": "REFUND",
                    "amount": amount,
                    "parentId": f"gid://shopify/OrderTransaction/{paid['id']}",
                }
            ]
        return (await self.ask(REFUND, {"input": given, "key": key})).data["refundCreate"]

    async def subscribe(self, topic: str, uri: str, **more: Any) -> Any:
        answer = await self.ask(SUBSCRIBE, {"topic": topic, "sub": {"uri": uri, **more}})
        return answer.data["webhookSubscriptionCreate"]

    async def drained(self) -> None:
        assert (await self.control("GET", "webhooks/drained?wait=10"))["drained"]


@dataclass
class Receiver:
    """A subscriber: keeps what arrives and answers with the next of `answers`, then 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [headers["X-Shopify-Topic"] for headers, _ in self.got]
