"""Fulfilment orders as either version of the API answers with them, for tests."""

from __future__ import annotations

from typing import Any

from bridge.connectors.amazon.protocol_2020 import Version2020
from bridge.connectors.amazon.protocol_2026 import Version2026
from bridge.connectors.amazon.reading import FulfilmentOrder

ADDRESS = {"name": "Ana", "addressLine1": "Way 1", "postalCode": "1", "countryCode": "US"}


def old(status: str, *, parcels: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """`GetFulfillmentOrderResponse` of 2020-07-01: two of A, one of B."""

    def item(number: str, sku: str, quantity: int) -> dict[str, Any]:
        return {
            "sellerSku": sku,
            "sellerFulfillmentOrderItemId": number,
            "quantity": quantity,
            "cancelledQuantity": 0,
            "unfulfillableQuantity": 0,
        }

    return {
        "payload": {
            "fulfillmentOrder": {
                "sellerFulfillmentOrderId": "TT-576461413038785752",
                "marketplaceId": "ATVPDKIKX0DER",
                "displayableOrderId": "576461413038785752",
                "displayableOrderDate": "2026-11-22T01:00:00Z",
                "displayableOrderComment": "Thank you for your order.",
                "shippingSpeedCategory": "Standard",
                "destinationAddress": ADDRESS,
                "receivedDate": "2026-11-22T01:00:00Z",
                "fulfillmentOrderStatus": status,
                "statusUpdatedDate": "2026-11-22T02:00:00Z",
                **changes,
            },
            "fulfillmentOrderItems": [item("1", "A", 2), item("2", "B", 1)],
            "fulfillmentShipments": [
                {
                    "amazonShipmentId": f"S{place}",
                    "fulfillmentCenterId": "RNO1",
                    "fulfillmentShipmentStatus": word,
                    "fulfillmentShipmentItem": [{"sellerSku": "A", "sellerFulfillmentOrderItemId": "1", "quantity": 2}],
                }
                for place, word in enumerate(parcels)
            ],
            "returnItems": [],
            "returnAuthorizations": [],
        }
    }


def new(status: str, *, parcels: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """`GetOrderResponse` of 2026-07-04: the same order."""

    def amount(value: str) -> dict[str, str]:
        return {"unit": "EACHES", "value": value}

    def item(number: str, sku: str, quantity: str) -> dict[str, Any]:
        return {
            "lineItemId": number,
            "product": {"productIdentifier": {"amazonSku": sku}},
            "amount": amount(quantity),
            "cancelledAmount": amount("0.0"),
            "unfulfillableAmount": amount("0.0"),
        }

    return {
        "order": {
            "orderId": "TT-576461413038785752",
            "channel": "TikTok Shop",
            "receiveTime": "2026-11-22T01:00:00Z",
            "status": status,
            "statusUpdateTime": "2026-11-22T02:00:00Z",
            "lineItems": [item("1", "A", "2.0"), item("2", "B", "1")],
            "shipments": [
                {
                    "amazonShipmentId": f"S{place}",
                    "amazonFacility": {"facilityId": "FC1"},
                    "status": word,
                    "items": [{"lineItemId": "1", "productIdentifier": {"amazonSku": "A"}, "amount": amount("2.0")}],
                }
                for place, word in enumerate(parcels)
            ],
            **changes,
        }
    }


def read_old(status: str, *, parcels: tuple[str, ...] = (), **changes: Any) -> FulfilmentOrder:
    return Version2020().order(old(status, parcels=parcels, **changes))


def read_new(status: str, *, parcels: tuple[str, ...] = (), **changes: Any) -> FulfilmentOrder:
    return Version2026().order(new(status, parcels=parcels, **changes))
