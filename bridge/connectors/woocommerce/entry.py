"""How WooCommerce enters the service."""

from __future__ import annotations

from bridge.connectors.woocommerce.connect import WooCommerceConnector
from bridge.connectors.woocommerce.door import WooCommerceDoor
from bridge.connectors.woocommerce.platform import PLATFORM
from bridge.ports import Account, Assembled, Entry, Parts, Store


def _assemble(parts: Parts) -> Assembled:
    connector = WooCommerceConnector(parts.session, parts.clock, allow_private=parts.allow_private)

    def open_store(account: Account) -> Store:
        return connector.store(account.url, account.credentials, account.id, parts.public_url)

    return Assembled(connector, WooCommerceDoor(), open_store=open_store)


ENTRY = Entry(PLATFORM, _assemble)
