"""Magento 2 with the AfterShip_TikTokShop plugin, as that plugin is installed today."""

from __future__ import annotations
