"""How this store is set up, and how it behaves where a test wants trouble.

Every field can be changed while it runs: `PATCH /_control/settings`.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    version: str = Field("10.3.4", description="of WooCommerce")
    wp_version: str = "6.8.3"
    number_of_decimals: int = Field(2, ge=0, le=6, description="prices are shown, and totals rounded, with so many")
    prices_include_tax: bool = Field(default=False, description="how the merchant types prices in")
    tax_rate: Decimal = Field(
        Decimal(0), ge=0, le=1, description="of the one tax rate; a line's tax comes on top of its total"
    )
    manage_stock: bool = Field(default=True, description="whether the store keeps stock at all")
    timezone_hours: float = Field(-5.0, ge=-14, le=14, description="of the site's clock from UTC")

    https: bool = Field(
        default=False,
        description="calls count as https, as behind a server that ends TLS; without, so does one "
        "with X-Forwarded-Proto: https",
    )
    drops_authorization: bool = Field(default=False, description="the web server keeps Authorization from PHP")
    maintenance: bool = Field(default=False, description="every call gets WordPress' maintenance page (503, HTML)")
    login_page: bool = Field(default=False, description="every call gets a page with status 200, as some plugins do")

    gateways: dict[str, bool] = Field(
        default={"bacs": False, "cheque": False, "cod": False, "stripe": True, "paypal": True},
        description="payment methods, and whether each can refund by itself",
    )

    webhooks_paused: bool = False
    webhooks_drop_next: int = Field(0, ge=0, description="so many deliveries are lost for good")
    webhooks_duplicate_next: int = Field(0, ge=0, description="so many deliveries are made twice")
    webhooks_reorder_next: int = Field(0, ge=0, description="so many deliveries are held, then made newest first")
    webhooks_timeout: float = Field(60.0, gt=0, description="seconds a receiver has")
    ping_timeout: float = Field(5.0, gt=0, description="seconds the receiver of a new webhook's ping has")
