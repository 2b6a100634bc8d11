"""How Amazon enters the service."""

from __future__ import annotations

from bridge.connectors.amazon.connect import AmazonConnector
from bridge.connectors.amazon.platform import PLATFORM
from bridge.ports import Account, Assembled, Entry, Parts, Store


def _assemble(parts: Parts) -> Assembled:
    connector = AmazonConnector(parts.session, parts.clock, parts.pace, allow_private=parts.allow_private)

    def open_store(account: Account) -> Store:
        return connector.store(account.url, account.credentials, account.tokens, account.id)

    return Assembled(connector, open_store=open_store, renew=connector.renew)


ENTRY = Entry(PLATFORM, _assemble)
