"""The state of the store in which each exchange was recorded."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.contract.sandbox_magento.lab import SKU_C, Lab, recording

Arrange = Callable[[Lab], Awaitable[None]]


async def replay(lab: Lab, name: str) -> None:
    """Do what was recorded, as a step on the way to another recording."""
    request = recording(name)["request"]
    headers = {key: value for key, value in request["headers"].items() if key == "as-inventory-behaviour"}
    body = json.loads(request["body"]) if request["body"] else None
    reply = await lab.rest(request["method"], request["path"].removeprefix("/rest/V1/"), body, headers)
    assert reply.status == 200, (name, reply.text)


async def nothing(_lab: Lab) -> None:
    pass


def created(name: str) -> Arrange:
    """The ids that the recorded create gave out."""
    body = json.loads(recording(name)["response"]["body"])

    async def arrange(lab: Lab) -> None:
        lab.ids(order=body["entity_id"] - 1, item=body["items"][0]["item_id"] - 1)

    return arrange


def after(*names: str, first: Arrange = nothing) -> Arrange:
    async def arrange(lab: Lab) -> None:
        await first(lab)
        for name in names:
            await replay(lab, name)

    return arrange


def order(order_id: int, item_id: int, number: str | None = None, /, **given: Any) -> Arrange:
    last = {
        key: given.pop(key) - 1 for key in ("memo", "invoice", "shipment", "memo_item", "memo_comment") if key in given
    }

    async def arrange(lab: Lab) -> None:
        await lab.order(order_id, item_id, number=number, **given)
        lab.ids(**last)

    return arrange


def story(stage: int) -> Arrange:
    """Order 113 of two lines: 0 created, 1 invoiced, 2 one unit refunded, 3 everything refunded."""
    names = (
        "orders/order_create_two_lines_decrement",
        None,
        "refunds/refund_order_partial_restock",
        "refunds/refund_order_rest_restock",
    )

    async def arrange(lab: Lab) -> None:
        lab.at("2026-11-22 01:24:49")
        lab.ids(order=112, item=133, invoice=92, memo=135, memo_item=143, history=123)
        for name in names[: stage + 1]:
            if name is None:
                await lab.done("POST", "order/113/invoice", {"capture": True})
            else:
                await replay(lab, name)

    return arrange


ORDER_1 = after("orders/order_create_decrement")
INVOICED_1 = after("orders/order_create_decrement", "invoices/invoice_create")
PARTIAL_1 = after("refunds/refund_order_partial", first=INVOICED_1)
CLOSED_1 = after("refunds/refund_order_rest", first=PARTIAL_1)
ORDER_2 = after("orders/order_create_plain", first=created("orders/order_create_plain"))
TAXED = [{"sku": "SKU-A", "product_id": 1, "qty": 3, "price": 33.33, "tax": 7.42, "discount": 10}]
PAID_15 = order(
    84,
    105,
    "TT-576460000010104008",
    lines=[{"sku": "SKU-A", "product_id": 1, "qty": 3, "price": 50}],
    shipping=15.0,
    memo=83,
)
TAXED_82 = order(82, 103, "TT-576460000010104006", lines=TAXED, shipping=15.0, shipping_tax_amount=1.24, memo=75)
ORDER_97 = order(97, 118, "TT-576460000010183002", lines=[SKU_C], memo=114, memo_item=121, memo_comment=5)
ORDER_114 = order(114, 136, "TT-576460000010687001", lines=[SKU_C], shipment=29)
ORDER_54 = order(54, 73, "TT-576460000010017001", lines=[{**SKU_C, "qty": 4}], memo=50)
ORDER_78 = order(78, 99, "TT-576460000010104003", memo=67, memo_item=81)


async def held_1(lab: Lab) -> None:
    await INVOICED_1(lab)
    await lab.control("POST", "hold", {"order": 1})


async def cancelled_2(lab: Lab) -> None:
    await ORDER_2(lab)
    await replay(lab, "orders/order_cancel_ok")


async def crippled_29(lab: Lab) -> None:
    await created("orders/order_create_configurable_rows")(lab)
    await replay(lab, "orders/order_create_configurable_rows")
    await lab.done("POST", "order/29/invoice", {"capture": True})


async def two_orders_87(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.order(87, 108)


async def two_orders_79(lab: Lab) -> None:
    await lab.order(1, 1)
    await lab.order(79, 100)


async def invoice_2(lab: Lab) -> None:
    lab.ids(invoice=1)
    await lab.order(5, 3)


async def maintenance(lab: Lab) -> None:
    await lab.control("POST", "settings", {"maintenance": True})


async def sold_out(lab: Lab) -> None:
    """SKU-D shipped to the last piece, then one piece restocked: the reading stays 0."""
    await lab.control("POST", "products", {"sku": "SKU-D", "name": "Test SKU-D", "price": 50, "qty": 2})
    await lab.order(1, 1, [{"sku": "SKU-D", "product_id": 4, "qty": 2, "price": 50}])
    await lab.done("POST", "order/1/ship", {})
    back = {"shipping_amount": 0, "extension_attributes": {"return_to_stock_items": [1]}}
    await lab.done("POST", "order/1/refund", {"items": [{"order_item_id": 1, "qty": 1}], "arguments": back})


async def source_98(lab: Lab) -> None:
    await lab.control("POST", "products", {"sku": "SKU-A", "name": "Test SKU-A", "price": 50, "qty": 98})


def storefront(order_id: int, item_id: int, number: int, memo: int) -> Arrange:
    """A variant bought in the storefront, two pieces, invoiced."""

    async def arrange(lab: Lab) -> None:
        lab.ids(order=order_id - 1, item=item_id - 1, increment=number - 1, memo=memo - 1)
        items = [{"sku": "CONF-RED", "qty": 2}]
        await lab.control("POST", "storefront-order", {"items": items, "shipping_amount": 5, "invoice": True})

    return arrange


def tagged(memo: int = 1, *, made: bool = True) -> Arrange:
    """Order 1 of a release's own store: four of SKU-C, invoiced."""

    async def arrange(lab: Lab) -> None:
        lab.ids(memo=memo - 1, memo_item=memo - 1)
        if made:
            await lab.order(1, 1, [{**SKU_C, "qty": 4}])

    return arrange


async def two_hooks(lab: Lab) -> None:
    await replay(lab, "webhooks/webhook_register_creditmemos_oauth1")
    await replay(lab, "webhooks/webhook_register_orders_bearer")


async def own_hook(lab: Lab) -> None:
    await two_hooks(lab)
    await replay(lab, "webhooks/webhook_register_custom_id")


async def own_hook_twice(lab: Lab) -> None:
    await own_hook(lab)
    await replay(lab, "webhooks/webhook_register_custom_id_new_address")


EXCHANGES: dict[str, Arrange] = {
    "orders/order_create_empty": nothing,
    "orders/order_create_duplicate_increment_id": ORDER_2,
    "orders/order_create_duplicate_increment_id_decrement": ORDER_2,
    **{
        name: created(name)
        for name in (
            "orders/order_create_decrement",
            "orders/order_create_plain",
            "orders/order_create_two_lines_decrement",
            "orders/order_create_decrement_failed_qty",
            "orders/order_create_decrement_failed_product",
            "orders/order_create_decrement_failed_one_line",
            "orders/order_create_increment_header",
            "orders/order_create_configurable_rows",
        )
    },
    "orders/order_get_new": story(0),
    "orders/order_get_invoiced": story(1),
    "orders/order_get_partially_refunded": story(2),
    "orders/order_get_closed": story(3),
    "orders/order_get_unknown": nothing,
    "orders/orders_by_ext_order_id": story(3),
    "orders/orders_by_ext_order_id_none": story(3),
    "orders/orders_by_increment_id": story(3),
    "orders/orders_by_updated_at": story(3),
    "orders/orders_search_no_criteria": nothing,
    "orders/orders_search_bad_field": nothing,
    "orders/order_cancel_ok": ORDER_2,
    "orders/order_cancel_again": cancelled_2,
    "orders/order_cancel_refused_invoiced": INVOICED_1,
    "orders/order_cancel_ok_unreserved": order(69, 90, "TT-C1", reserved=False, invoiced=False),
    "orders/order_comment_add": ORDER_114,
    "orders/products_by_sku": nothing,
    "invoices/invoice_create": ORDER_1,
    "invoices/invoice_second_refused": INVOICED_1,
    "invoices/invoice_with_decrement": order(56, 75, "TT-H1", reserved=False, invoiced=False, invoice=52),
    "invoices/invoices_by_order": story(3),
    "invoices/ship_partial": ORDER_114,
    "refunds/refund_order_partial": INVOICED_1,
    "refunds/refund_order_rest": PARTIAL_1,
    "refunds/refund_order_double": CLOSED_1,
    "refunds/refund_order_double_items": CLOSED_1,
    "refunds/refund_order_on_hold": held_1,
    "refunds/refund_order_bad_token": nothing,
    "refunds/refund_order_no_permission": nothing,
    "refunds/refund_order_unknown": nothing,
    "refunds/refund_order_not_invoiced": order(115, 140, invoiced=False),
    "refunds/refund_order_full_restock": order(85, 106, "TT-576460000010104009", memo=86),
    "refunds/refund_order_full_keep": order(86, 107, "TT-576460000010104010", memo=87),
    "refunds/refund_order_restock_unknown_item": two_orders_87,
    "refunds/refund_order_shipping_and_adjustments": PAID_15,
    "refunds/refund_order_shipping_only": after("refunds/refund_order_shipping_and_adjustments", first=PAID_15),
    "refunds/refund_order_shipping_too_high": after(
        "refunds/refund_order_shipping_and_adjustments", "refunds/refund_order_shipping_only", first=PAID_15
    ),
    "refunds/refund_order_tax_discount_partial_1": TAXED_82,
    "refunds/refund_order_tax_discount_partial_2": after("refunds/refund_order_tax_discount_partial_1", first=TAXED_82),
    "refunds/refund_order_tax_discount_partial_3": after(
        "refunds/refund_order_tax_discount_partial_1", "refunds/refund_order_tax_discount_partial_2", first=TAXED_82
    ),
    "refunds/refund_order_tax_shipping_rest": after(
        *(f"refunds/refund_order_tax_discount_partial_{number}" for number in (1, 2, 3)), first=TAXED_82
    ),
    "refunds/refund_order_increment_header_no_effect": ORDER_54,
    "refunds/refund_order_decrement_header_by_mistake": after(
        "refunds/refund_order_increment_header_no_effect", first=ORDER_54
    ),
    "refunds/refund_configurable_rows_fails": crippled_29,
    "refunds/refund_invoice_refused_offline": invoice_2,
    "refunds/refund_invoice_refused_online": invoice_2,
    "refunds/maintenance_get": maintenance,
    "refunds/maintenance_refund": maintenance,
    "refunds/refund_order_partial_restock": story(1),
    "refunds/refund_order_rest_restock": story(2),
    "creditmemo_refund/creditmemo_refund_full_increment": ORDER_97,
    "creditmemo_refund/creditmemo_refund_double": after(
        "creditmemo_refund/creditmemo_refund_full_increment", first=ORDER_97
    ),
    "creditmemo_refund/creditmemo_refund_comment_no_parent": order(96, 117, lines=[SKU_C]),
    "creditmemo_refund/creditmemo_refund_minimal": order(5, 3, "TT-576461413038780003", memo=3, memo_item=3),
    "creditmemo_refund/creditmemo_refund_wrong_total": order(77, 98, "TT-576460000010104002", memo=66, memo_item=80),
    "creditmemo_refund/creditmemo_refund_too_much": ORDER_78,
    "creditmemo_refund/creditmemo_refund_over_paid_without_base": ORDER_78,
    "creditmemo_refund/creditmemo_refund_unknown_order": nothing,
    "creditmemo_refund/creditmemo_refund_foreign_item": two_orders_79,
    "creditmemo_refund/creditmemo_refund_not_invoiced": order(80, 101, invoiced=False),
    "creditmemos/creditmemo_get_partial": story(2),
    "creditmemos/creditmemo_get_full": story(3),
    "creditmemos/creditmemo_get_unknown": nothing,
    "creditmemos/creditmemos_by_order": story(3),
    "creditmemos/creditmemos_by_order_none": story(3),
    "creditmemos/creditmemos_by_updated_at": story(3),
    "creditmemos/creditmemos_by_updated_at_fields": story(3),
    "creditmemos/creditmemos_page_past_end": story(3),
    "creditmemos/creditmemo_comment_add": after("creditmemo_refund/creditmemo_refund_full_increment", first=ORDER_97),
    "stock/stock_salable_quantity": sold_out,
    "stock/stock_salable_quantity_unknown_sku": nothing,
    "stock/stock_source_items": source_98,
    "stock/stock_resolver_website": nothing,
    "stock/stock_statuses_batch_no_permission": nothing,
    "configurable/refund_configurable_unshipped_restock": storefront(30, 35, 1, 26),
    "configurable/refund_configurable_unshipped_keep": storefront(31, 37, 2, 27),
    "configurable/refund_configurable_unshipped_restock_parent_id": storefront(38, 51, 9, 34),
    "version/version_report": nothing,
    "version/version_report_oauth1": nothing,
    "version/version_report_no_permission": nothing,
    "version/no_token": nothing,
    "version/bad_token": nothing,
    "version/bearer_not_allowed": nothing,
    "webhooks/webhook_list_empty": nothing,
    "webhooks/webhook_register_creditmemos_oauth1": nothing,
    "webhooks/webhook_register_orders_bearer": nothing,
    "webhooks/webhook_register_duplicate": two_hooks,
    "webhooks/webhook_list": two_hooks,
    "webhooks/webhook_get": two_hooks,
    "webhooks/webhook_get_unknown": two_hooks,
    "webhooks/webhook_register_custom_id": two_hooks,
    "webhooks/webhook_register_custom_id_new_address": own_hook,
    "webhooks/webhook_list_after_custom_id": own_hook_twice,
    "webhooks/webhook_register_bad_missing_topic": nothing,
    "webhooks/webhook_register_bad_flat_body": nothing,
    "webhooks/webhook_register_bad_unknown_field": nothing,
    "webhooks/webhook_register_unknown_topic": nothing,
    "webhooks/webhook_register_https": nothing,
    "webhooks/webhook_register_no_permission": nothing,
    "webhooks/webhook_delete": own_hook_twice,
    "webhooks/webhook_delete_unknown": own_hook,
    **{
        f"versions/{tag}/version_report": nothing
        for tag in ("1.0.17", "1.0.18", "1.0.19", "1.0.20", "1.0.21", "1.0.24", "1.0.25", "no_plugin")
    },
    **{
        f"versions/{tag}/order_create_decrement": created(f"versions/{tag}/order_create_decrement")
        for tag in ("1.0.20", "1.0.21", "no_plugin")
    },
    **{f"versions/{tag}/refund_order_partial_restock": tagged() for tag in ("1.0.19", "1.0.20", "1.0.25", "no_plugin")},
    **{f"versions/{tag}/creditmemo_refund_increment": tagged(3) for tag in ("1.0.19", "1.0.20", "1.0.25")},
    "versions/no_plugin/webhook_register_creditmemos": nothing,
}
