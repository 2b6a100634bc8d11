"""How Shopify enters the service."""

from __future__ import annotations

from bridge.connectors.shopify.connect import ShopifyConnector
from bridge.connectors.shopify.door import ShopifyDoor
from bridge.connectors.shopify.platform import PLATFORM
from bridge.ports import Account, Assembled, Entry, Parts, Store


def _assemble(parts: Parts) -> Assembled:
    connector = ShopifyConnector(parts.session, parts.clock, allow_private=parts.allow_private)

    def open_store(account: Account) -> Store:
        return connector.store(account.url, account.credentials, account.tokens, account.id, parts.public_url)

    return Assembled(connector, ShopifyDoor(), open_store=open_store, renew=connector.renew)


ENTRY = Entry(PLATFORM, _assemble)
