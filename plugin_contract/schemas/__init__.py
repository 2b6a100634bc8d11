"""The contract as JSON Schema (draft 2020-12), one file a message, made from the models and checked against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from plugin_contract.deliveries import EntityChange, ProductChange
from plugin_contract.inventory import ReservationResult
from plugin_contract.registration import RegisterRequest, Registration
from plugin_contract.report import STORE_CONFIGS
from plugin_contract.versions import Capabilities, capabilities

FOLDER: Final = Path(__file__).parent
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class DeliveryHeaders(BaseModel):
    """The headers of a delivery; names are compared without regard to case."""

    model_config = ConfigDict(populate_by_name=True)

    topic: str = Field(alias="X-Webhook-Topic", min_length=1)
    signature: str = Field(alias="X-Magento-Hmac-Sha256", pattern="^[0-9a-fA-F]{64}$")
    app_key: str | None = Field(default=None, alias="X-App-Key")


class _Empty(NamedTuple):
    """The plugin's answer to an unknown id is an empty array."""


class _Published(NamedTuple):
    adapter: TypeAdapter[Any]
    title: str
    examples: tuple[Any, ...]


_REGISTRATION: Final = {
    "id": "e9a6908a61ec5b679e5f4bef2a5fa63b8978a90f6370486c95e4759402b29854",
    "topic": "creditmemos/update",
    "app_key": "conn-1",
    "address": "https://sync.example.com/hooks/magento/conn-1",
    "integration_id": "4",
}
_REQUEST: Final = {key: _REGISTRATION[key] for key in ("topic", "app_key", "address")}

PUBLISHED: Final[dict[str, _Published]] = {
    "version-check": _Published(
        TypeAdapter(Capabilities),
        "Answer of GET /plugin/version-check",
        tuple(capabilities(text).model_dump(mode="json") for text in (None, "1.0.19", "1.0.25", "1.0.26")),
    ),
    "store-configs": _Published(
        STORE_CONFIGS,
        "Answer of GET /rest/V1/store/storeConfigs, as far as the plugin extends it",
        (
            [
                {
                    "code": "default",
                    "extension_attributes": {"permissions": "Magento_Backend::all", "aftership_tiktok": "1.0.26"},
                }
            ],
            [{"code": "default"}],
        ),
    ),
    "delivery-headers": _Published(
        TypeAdapter(DeliveryHeaders),
        "Headers of a delivery",
        (
            {
                "X-Webhook-Topic": "creditmemos/update",
                "X-Magento-Hmac-Sha256": "658c65997aa21bea411d9592d682c23e4d516dd226c2b32e2342c6cc7e3d1c30",
                "X-App-Key": "conn-1",
            },
        ),
    ),
    "delivery-entity": _Published(
        TypeAdapter(EntityChange), "Body of every delivery but products/update", ({"id": "18"}, {"id": 18})
    ),
    "delivery-product": _Published(
        TypeAdapter(ProductChange),
        "Body of a products/update delivery",
        (
            {
                "id": "6",
                "type_id": "simple",
                "sku": "CONF-BLUE",
                "visibility": "1",
                "parent_ids": ["7"],
                "change_type": "stock",
            },
            {"id": "7", "type_id": "configurable", "sku": "CONF", "visibility": "4", "change_type": "basic"},
            {"id": "3", "type_id": "simple", "sku": "SKU-C", "visibility": "4", "parent_ids": []},
        ),
    ),
    "webhook-register": _Published(
        TypeAdapter(RegisterRequest),
        "Body of POST /rest/V1/aftership/webhooks",
        ({"webhook": _REQUEST}, {"webhook": {**_REQUEST, "id": "my-own-id"}}),
    ),
    "webhook": _Published(
        TypeAdapter(Registration | _Empty),
        "Answer of POST, GET and DELETE for one webhook; [] when the id is unknown",
        (_REGISTRATION, []),
    ),
    "webhook-list": _Published(
        TypeAdapter(list[Registration]), "Answer of GET /rest/V1/aftership/webhooks", ([_REGISTRATION], [])
    ),
    "reservation-result": _Published(
        TypeAdapter(ReservationResult),
        "Value of the response header X-AS-Inventory-Reservation-Result",
        (
            {"order_id": "TT-1", "status": "success", "method": "sendSalesEvent", "message": "OK"},
            {
                "order_id": "TT-1",
                "status": "failed",
                "method": "sendSalesEvent",
                "message": "The requested qty is not available",
            },
            {"order_id": None, "status": "not_executed", "method": "", "message": "OK"},
        ),
    ),
}


def document(name: str) -> dict[str, Any]:
    """The schema published as `<name>.json`."""
    published = PUBLISHED[name]
    generated = published.adapter.json_schema()
    head = {"$schema": DIALECT, "$id": f"urn:plugin-contract:{name}", "title": published.title}
    return (
        head
        | {key: value for key, value in generated.items() if key != "title"}
        | {"examples": list(published.examples)}
    )


def text(name: str) -> str:
    """The published file's exact text."""
    return json.dumps(document(name), indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path = FOLDER) -> tuple[str, ...]:
    """Files that differ from what the models say, are absent, or should not be there."""
    found = [name for name in PUBLISHED if not _matches(folder / f"{name}.json", text(name))]
    found += [path.stem for path in folder.glob("*.json") if path.stem not in PUBLISHED]
    return tuple(sorted(found))


def write(folder: Path = FOLDER) -> tuple[str, ...]:
    """Write what is stale and remove what should not be there; answers the names."""
    changed = stale(folder)
    for name in changed:
        path = folder / f"{name}.json"
        if name in PUBLISHED:
            path.write_text(text(name), encoding="utf-8")
        else:
            path.unlink()
    return changed


def _matches(path: Path, expected: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == expected
