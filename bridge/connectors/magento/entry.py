"""How Magento enters the service."""

from __future__ import annotations

from bridge.connectors.magento.client import Client
from bridge.connectors.magento.connect import MagentoConnector
from bridge.connectors.magento.door import MagentoDoor
from bridge.connectors.magento.handshake import MagentoHandshake
from bridge.connectors.magento.platform import PLATFORM
from bridge.connectors.magento.signing import Credentials
from bridge.connectors.magento.store import MagentoStore
from bridge.ports import Account, Assembled, Entry, Parts, Store


def _assemble(parts: Parts) -> Assembled:
    def open_store(account: Account) -> Store:
        credentials = Credentials.of(account.credentials)
        client = Client(parts.session, account.url, credentials, allow_private=parts.allow_private)
        return MagentoStore(client, plugin_override=account.plugin_override)

    return Assembled(
        MagentoConnector(parts.session, allow_private=parts.allow_private, now=lambda: parts.clock.now().timestamp()),
        MagentoDoor(),
        open_store=open_store,
        handshake=MagentoHandshake(parts.session, allow_private=parts.allow_private),
    )


ENTRY = Entry(PLATFORM, _assemble)
