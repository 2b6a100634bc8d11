"""The wire contract of the public AfterShip_TikTokShop Magento 2 module (github.com/AfterShip/tiktok-shop), usable on
its own.

`versions` what a reported version can do · `report` the store's answer that carries it · `deliveries` what the plugin
posts and how it is signed · `registration` how to be told · `inventory` the stock headers · `schemas` all of it as
JSON Schema · `conformance` the same claims, asked of a store. Nothing but `conformance` (and its `caller`) does any
I/O.
"""

from __future__ import annotations
