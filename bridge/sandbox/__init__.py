"""TikTok Shop, Magento with the plugin, Shopify, Amazon and WooCommerce as small real HTTP servers.

They ship with the product: for `bridge demo`, for the tests, and for a merchant who wants to see before
connecting. They share no code with the connectors: each checks signatures and keeps its books by code of its
own, so that a mistake on one side shows.
"""

from __future__ import annotations
