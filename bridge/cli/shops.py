"""Which TikTok Shop a command means."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bridge.cli.api import Api
from bridge.cli.failing import Failed

ShopArgument = Annotated[str, typer.Argument(metavar="SHOP", help="The shop's id here, or TikTok Shop's own")]


def find_shop(api: Api, wanted: str) -> Any:
    """By our id, TikTok Shop's, or the whole name. Raises `Failed`."""
    shops = api.get("/api/v1/shops")["shops"]
    fits = [shop for shop in shops if wanted in {shop["id"], shop["channel_shop_id"], shop["name"]}]
    if len(fits) != 1:
        known = ", ".join(f"{shop['id']} ({shop['name']}, {shop['region']})" for shop in shops) or "none is connected"
        raise Failed(f"{'no' if not fits else 'more than one'} shop {wanted}; there are: {known}")
    return fits[0]
