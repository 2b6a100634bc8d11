"""What the plugin posts to a registered address, and how it is signed.

A delivery is a hint: `{"id": "7"}` and a topic in a header, sent once and never again, whatever the answer. The
signature is the hex HMAC-SHA256 of the raw body under the OAuth *consumer key* of the integration that registered the
webhook. It covers the body alone: the same body under another topic has the same signature, and there is no time and
no event id, so an old delivery can be played again (measured on 1.0.17 to 1.0.26; sender: `Helper/WebhookHelper.php`,
bodies: `Model/Queue/WebhookConsumer.php` of github.com/AfterShip/tiktok-shop).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from plugin_contract.fields import ContractError, EntityId, Message, header, to_id

TOPIC_HEADER = "X-Webhook-Topic"
SIGNATURE_HEADER = "X-Magento-Hmac-Sha256"
APP_KEY_HEADER = "X-App-Key"

_MAX_HEADER = 255


class BadSignature(ContractError):
    """No known consumer key signed this body."""


class BadBody(ContractError):
    """The body is not a JSON object with an id."""


class BadHeader(ContractError):
    """The topic is absent or not text."""


class UnknownTopic(ContractError):
    """A topic this contract does not know. Parsing accepts it; asking for its meaning raises this."""


class Topic(StrEnum):
    """The topics the plugin can send. `orders/delete` has a consumer but nothing emits it."""

    CREDITMEMOS_UPDATE = "creditmemos/update"
    ORDERS_UPDATE = "orders/update"
    ORDERS_DELETE = "orders/delete"
    PRODUCTS_UPDATE = "products/update"
    PRODUCTS_DELETE = "products/delete"


def _text_or_none(value: Any) -> str | None:
    """A side field never costs the hint: what cannot be read is left out."""
    if value is None or isinstance(value, (bool, list, dict)):
        return None
    text = str(value)
    return text if text.isprintable() else None


def _ids_or_nothing(value: Any) -> tuple[str, ...]:
    found: list[str] = []
    for element in value if isinstance(value, (list, tuple)) else ():
        try:
            found.append(to_id(element))
        except ValueError:
            continue
    return tuple(found)


_SideText = Annotated[
    str | None, BeforeValidator(_text_or_none), WithJsonSchema({"type": ["string", "integer", "null"]})
]
_SideIds = Annotated[
    tuple[str, ...],
    BeforeValidator(_ids_or_nothing),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "integer"]}}),
]


class EntityChange(Message):
    """The body of every topic but products/update."""

    id: EntityId = Field(description="Entity id of the credit memo, order or product that changed.")


class ProductChange(EntityChange):
    """The body of products/update. All but the id may be absent; `change_type` came with 1.0.25."""

    type_id: _SideText = Field(default=None, description="simple, configurable, …")
    sku: _SideText = None
    visibility: _SideText = None
    parent_ids: _SideIds = Field(default=(), description="Configurable parents; absent in the parent's own delivery.")
    change_type: _SideText = Field(default=None, description="basic (the product) or stock.")


class Delivery(Message):
    """One delivery as it came. `topic` is kept even when unknown; nothing here has been verified."""

    topic: str
    app_key: str | None
    signature: str | None
    change: ProductChange | EntityChange
    raw: bytes

    @property
    def id(self) -> str:
        """The entity that changed."""
        return self.change.id

    @property
    def known(self) -> Topic | None:
        """The topic as a member, or None when it is not one of ours."""
        return Topic(self.topic) if self.topic in set(Topic) else None

    def known_topic(self) -> Topic:
        """The topic as a member. Raises UnknownTopic."""
        if self.known is None:
            raise UnknownTopic(f"no known topic: {self.topic!r}")
        return self.known


def parse(headers: Mapping[str, str], raw: bytes) -> Delivery:
    """Read a delivery without judging its signature. Raises BadHeader and BadBody."""
    topic = header(headers, TOPIC_HEADER)
    if topic is None:
        raise BadHeader(f"{TOPIC_HEADER} is missing")
    app_key = header(headers, APP_KEY_HEADER)
    for name, value in ((TOPIC_HEADER, topic), (APP_KEY_HEADER, app_key or "")):
        if len(value) > _MAX_HEADER or not value.isprintable():
            raise BadHeader(f"{name} is not at most {_MAX_HEADER} printable characters")
    model = ProductChange if topic == Topic.PRODUCTS_UPDATE else EntityChange
    return Delivery(
        topic=topic,
        app_key=app_key,
        signature=header(headers, SIGNATURE_HEADER),
        change=_read_body(raw, model),
        raw=raw,
    )


def sign(raw: bytes, consumer_key: str) -> str:
    """The signature the plugin sends for these bytes: lower-case hex. Raises ValueError for a blank key."""
    if not consumer_key.strip():
        raise ValueError("a blank consumer key signs nothing")
    return hmac.new(consumer_key.encode(), raw, hashlib.sha256).hexdigest()


def verify(raw: bytes, signature: str | None, keys: Iterable[str]) -> str | None:
    """The key that signed `raw`, or None. Give the bytes as they came: PHP escapes `/` and non-ASCII, so re-written
    JSON fails.

    Every key is tried, also after a match, and each comparison takes the same time. Upper-case hex is accepted; a
    blank signature or key never matches.
    """
    given = (signature or "").strip().encode(errors="replace").lower()
    matched: str | None = None
    for key in keys:
        if not key.strip():
            continue
        if hmac.compare_digest(sign(raw, key).encode(), given):
            matched = key
    return matched


def authenticate(raw: bytes, signature: str | None, keys: Iterable[str]) -> str:
    """The key that signed `raw`. Raises BadSignature."""
    key = verify(raw, signature, keys)
    if key is None:
        raise BadSignature(f"{SIGNATURE_HEADER} is missing or matches none of the known consumer keys")
    return key


def _read_body(raw: bytes, model: type[EntityChange]) -> EntityChange:
    try:
        body = json.loads(raw.decode("utf-8"))
    except (
        ValueError,
        RecursionError,
    ) as error:  # not UTF-8, not JSON, a number of thousands of digits, nested too deep
        raise BadBody("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadBody("the body is not a JSON object")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise BadBody(f"the body has no usable id: {error.errors()[0]['msg']}") from error
