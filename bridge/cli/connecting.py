"""`bridge connect`: tie this service to a store or a TikTok Shop seller."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli.api import Api, ApiProblem, segment, service
from bridge.cli.failing import Failed
from bridge.cli.shown import JsonOption, console, findings, print_json

POLL_SECONDS = 1.0

group = typer.Typer(
    help="Connect a Magento store, a Shopify shop, a WooCommerce store, an Amazon seller or a TikTok Shop.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

NameOption = Annotated[str | None, typer.Option(help="What people call it; else its host or shop", show_default=False)]
WaitOption = Annotated[
    float, typer.Option(metavar="SECONDS", help="Wait so long for the connection to be completed elsewhere")
]
_SECRET = "; better in the environment than here, where other users of this machine can see it"  # noqa: S105 -- words


def add_to(app: typer.Typer) -> None:
    app.add_typer(group, name="connect")


@group.command()
def magento(
    *,
    store_url: Annotated[
        str, typer.Option("--url", metavar="URL", help="The store's base address, as the store itself names it")
    ],
    name: NameOption = None,
    consumer_key: Annotated[str | None, typer.Option(envvar="MAGENTO_CONSUMER_KEY", help="Of the integration")] = None,
    consumer_secret: Annotated[
        str | None, typer.Option(envvar="MAGENTO_CONSUMER_SECRET", help="Of the integration" + _SECRET)
    ] = None,
    access_token: Annotated[
        str | None, typer.Option(envvar="MAGENTO_ACCESS_TOKEN", help="Of the integration" + _SECRET)
    ] = None,
    access_token_secret: Annotated[
        str | None, typer.Option(envvar="MAGENTO_ACCESS_TOKEN_SECRET", help="Of the integration" + _SECRET)
    ] = None,
    bearer_token: Annotated[
        str | None,
        typer.Option(envvar="MAGENTO_BEARER_TOKEN", help="The integration's token, where the store takes it" + _SECRET),
    ] = None,
    admin_url: Annotated[
        str | None,
        typer.Option(
            "--admin-url",
            metavar="URL",
            help="Where people open its admin, for links to orders: https://shop.example/backend_x1; empty: no links",
        ),
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask for the four values, without showing what is typed")] = False,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    bridge_url: Annotated[
        str | None,
        typer.Option(
            "--bridge-url", metavar="URL", envvar="BRIDGE_URL", help="The service's address", show_envvar=True
        ),
    ] = None,
) -> None:
    """Connect a Magento 2 store with the AfterShip TikTok Shop plugin.

    Without credentials the store is announced, and two addresses are printed to paste into Magento's admin under
    System › Integrations › Add New Integration; "Activate" there completes the connection. With the four values of an
    integration that is active already (or a bearer token), it is connected at once.
    """
    given = {
        "consumer_key": consumer_key,
        "consumer_secret": consumer_secret,
        "access_token": access_token,
        "access_token_secret": access_token_secret,
        "bearer_token": bearer_token,
    }
    if ask:
        _prompt(given, ("consumer_key", "consumer_secret", "access_token", "access_token_secret"))
    credentials = {field: value for field, value in given.items() if value}
    body: dict[str, Any] = {"kind": "magento", "url": store_url}
    if credentials:
        body["credentials"] = credentials
    _connect(service(bridge_url), body, name, wait, as_json=as_json, admin_url=admin_url)


@group.command()
def shopify(
    *,
    shop_url: Annotated[
        str, typer.Option("--url", metavar="URL", help="The shop's own address, such as https://my-shop.myshopify.com")
    ],
    name: NameOption = None,
    client_id: Annotated[
        str | None, typer.Option(envvar="SHOPIFY_CLIENT_ID", help="Dev Dashboard › your app › Settings")
    ] = None,
    client_secret: Annotated[
        str | None, typer.Option(envvar="SHOPIFY_CLIENT_SECRET", help="From the same page" + _SECRET)
    ] = None,
    earlier_client_secret: Annotated[
        str | None,
        typer.Option(
            envvar="SHOPIFY_EARLIER_CLIENT_SECRET",
            help="The secret before, while one is changed for the other: Shopify goes on signing with it for a while",
        ),
    ] = None,
    access_token: Annotated[
        str | None,
        typer.Option(envvar="SHOPIFY_ACCESS_TOKEN", help="shpat_… of a custom app made before 2026" + _SECRET),
    ] = None,
    api_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="2026-07 for a shop that shall not speak 2026-10 yet")
    ] = None,
    as_json: JsonOption = False,
    bridge_url: Annotated[
        str | None,
        typer.Option(
            "--bridge-url", metavar="URL", envvar="BRIDGE_URL", help="The service's address", show_envvar=True
        ),
    ] = None,
) -> None:
    """Connect a Shopify shop.

    With the client id and the client secret of an app of the shop's own organisation, or with the access token of a
    custom app made before 2026 (and that app's secret, so that its messages can be verified). What is missing is asked
    for, without showing what is typed.
    """
    given = {
        "client_id": client_id,
        "client_secret": client_secret,
        "earlier_client_secret": earlier_client_secret,
        "access_token": access_token,
        "api_version": api_version,
    }
    if not access_token:
        _prompt(given, ("client_id", "client_secret"))
    credentials = {field: value for field, value in given.items() if value}
    body: dict[str, Any] = {"kind": "shopify", "url": shop_url, "credentials": credentials}
    _connect(service(bridge_url), body, name, 0, as_json=as_json)


@group.command()
def amazon(
    *,
    region: Annotated[
        str, typer.Option(metavar="REGION", help="na, eu or fe; eu/NAME for a second seller of one region")
    ],
    name: NameOption = None,
    client_id: Annotated[
        str | None, typer.Option(envvar="AMAZON_CLIENT_ID", help="Seller Central › Develop Apps › your app › View")
    ] = None,
    client_secret: Annotated[
        str | None, typer.Option(envvar="AMAZON_CLIENT_SECRET", help="From the same page" + _SECRET)
    ] = None,
    refresh_token: Annotated[
        str | None, typer.Option(envvar="AMAZON_REFRESH_TOKEN", help="Authorize, beside the app" + _SECRET)
    ] = None,
    api_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="2026-07-04 for the newer version; else 2020-07-01")
    ] = None,
    shipping_speed: Annotated[
        str | None, typer.Option(metavar="SPEED", help="Of new orders: Standard, Expedited or Priority")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(metavar="POLICY", help="Of new orders: FillOrKill, FillAll or FillAllAvailable")
    ] = None,
    marketplace: Annotated[
        str | None, typer.Option(metavar="ID", help="Amazon's id of the marketplace, where the seller has several")
    ] = None,
    comment: Annotated[str | None, typer.Option(metavar="TEXT", help="What the packing slip says")] = None,
    scan: Annotated[
        bool, typer.Option("--scan/--no-scan", help="Read Amazon's list for sales that no pattern finds")
    ] = True,
    token_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another token address, such as the sandbox's")
    ] = None,
    as_json: JsonOption = False,
    bridge_url: Annotated[
        str | None,
        typer.Option(
            "--bridge-url", metavar="URL", envvar="BRIDGE_URL", help="The service's address", show_envvar=True
        ),
    ] = None,
) -> None:
    """Connect an Amazon seller whose warehouse sends TikTok Shop's parcels (multi-channel fulfilment). One way.

    With the client id, the client secret and the refresh token of a private app with the role Amazon Fulfillment. What
    is missing is asked for, without showing what is typed. Connecting again changes the settings given here.
    """
    given = {"client_id": client_id, "client_secret": client_secret, "refresh_token": refresh_token}
    _prompt(given, ("client_id", "client_secret", "refresh_token"))
    chosen = {
        "api_version": api_version,
        "shipping_speed": shipping_speed,
        "fulfillment_policy": policy,
        "marketplace_id": marketplace,
        "order_comment": comment,
        "scan": "yes" if scan else "no",
        "token_url": token_url,
    }
    credentials = {field: value for field, value in {**given, **chosen}.items() if value}
    body: dict[str, Any] = {"kind": "amazon", "url": region, "credentials": credentials}
    _connect(service(bridge_url), body, name, 0, as_json=as_json)


@group.command()
def woocommerce(
    *,
    store_url: Annotated[
        str,
        typer.Option("--url", metavar="URL", help="The store's address, its folder included: https://example.com/shop"),
    ],
    name: NameOption = None,
    consumer_key: Annotated[
        str | None,
        typer.Option(envvar="WOOCOMMERCE_CONSUMER_KEY", help="WooCommerce › Settings › Advanced › REST API"),
    ] = None,
    consumer_secret: Annotated[
        str | None, typer.Option(envvar="WOOCOMMERCE_CONSUMER_SECRET", help="Shown beside it, once" + _SECRET)
    ] = None,
    order_meta_keys: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES", help="Order fields in which another connector keeps TikTok's order id, parted by commas"
        ),
    ] = None,
    as_json: JsonOption = False,
    bridge_url: Annotated[
        str | None,
        typer.Option(
            "--bridge-url", metavar="URL", envvar="BRIDGE_URL", help="The service's address", show_envvar=True
        ),
    ] = None,
) -> None:
    """Connect a WooCommerce store.

    With a REST API key that may read and write, of a user who may manage WooCommerce. What is missing is asked for,
    without showing what is typed.
    """
    given = {"consumer_key": consumer_key, "consumer_secret": consumer_secret, "order_meta_keys": order_meta_keys}
    _prompt(given, ("consumer_key", "consumer_secret"))
    credentials = {field: value for field, value in given.items() if value}
    body: dict[str, Any] = {"kind": "woocommerce", "url": store_url, "credentials": credentials}
    _connect(service(bridge_url), body, name, 0, as_json=as_json)


@group.command()
def tiktok(
    *,
    app_key: Annotated[
        str | None, typer.Option(envvar="TIKTOK_APP_KEY", help="Partner Center › App & Service › your app")
    ] = None,
    app_secret: Annotated[
        str | None, typer.Option(envvar="TIKTOK_APP_SECRET", help="From the same page" + _SECRET)
    ] = None,
    access_token: Annotated[
        str | None, typer.Option(envvar="TIKTOK_ACCESS_TOKEN", help="Of an authorization that is there" + _SECRET)
    ] = None,
    refresh_token: Annotated[
        str | None, typer.Option(envvar="TIKTOK_REFRESH_TOKEN", help="It comes with the access token" + _SECRET)
    ] = None,
    service_id: Annotated[
        str | None,
        typer.Option(envvar="TIKTOK_SERVICE_ID", help="From the same page; the seller then authorizes in a browser"),
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="CODE", help="US for sellers in the US, who authorize at an address of theirs")
    ] = None,
    name: NameOption = None,
    api_url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Another API address, such as the sandbox's")
    ] = None,
    auth_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Another token address, such as the sandbox's")
    ] = None,
    wait: WaitOption = 0,
    as_json: JsonOption = False,
    bridge_url: Annotated[
        str | None,
        typer.Option(
            "--bridge-url", metavar="URL", envvar="BRIDGE_URL", help="The service's address", show_envvar=True
        ),
    ] = None,
) -> None:
    """Connect a TikTok Shop seller.

    With an access and a refresh token it is connected at once. With a service id instead, a link is printed that the
    seller opens in a browser to authorize. What is missing is asked for, without showing what is typed.
    """
    given = {
        "app_key": app_key,
        "app_secret": app_secret,
        "access_token": access_token,
        "refresh_token": refresh_token,
        "service_id": service_id,
        "region": region,
    }
    needed = ("app_key", "app_secret") if service_id else ("app_key", "app_secret", "access_token", "refresh_token")
    _prompt(given, needed)
    body: dict[str, Any] = {"kind": "tiktok", "credentials": {field: value for field, value in given.items() if value}}
    body |= {field: value for field, value in (("url", api_url), ("auth_url", auth_url)) if value}
    _connect(service(bridge_url), body, name, wait, as_json=as_json)


def _prompt(given: dict[str, str | None], needed: tuple[str, ...]) -> None:
    """Ask for what is missing, unseen. Raises `Failed` (2) where nobody can be asked."""
    missing = [field for field in needed if not given[field]]
    if missing and not sys.stdin.isatty():
        options = ", ".join(f"--{field.replace('_', '-')}" for field in missing)
        raise Failed(f"{options} missing: give them in the environment (see --help); nobody can be asked here", 2)
    for field in missing:
        given[field] = typer.prompt(field.replace("_", " ").capitalize(), hide_input=True, err=True).strip()


def _connect(
    api: Api, body: dict[str, Any], name: str | None, wait: float, *, as_json: bool, admin_url: str | None = None
) -> None:
    if name:
        body["name"] = name
    made = api.post("/api/v1/connections", body)
    if admin_url is not None:
        made |= {"admin_url": _say_where(api, made["id"], admin_url)}
    if wait and made["state"] == "announced":
        if not as_json:
            _steps(console(), made)
        made = _waited(api, made, wait)
    if as_json:
        print_json(made)
        return
    out = console()
    if made["state"] == "announced":
        _steps(out, made)
        return
    out.print(Text(f"{made['name']} is {made['state']}: {made['id']}", style="bold"))
    for shop in made["shops"]:
        out.print(Text(f"  shop {shop['id']}: {shop['name']}, {shop['region']}"))
    findings(out, made["findings"])
    for address in made["hook_urls"]:
        out.print(Text(f"  notifications come to {address}"), soft_wrap=True)
    if made["kind"] != "tiktok":
        out.print(Text(f"Next: bridge settings set SHOP --store {made['id']}"))
    if made["state"] != "connected":
        raise Failed(made["because"] or f"the connection is {made['state']}")


def _say_where(api: Api, connection_id: str, admin_url: str) -> str | None:
    """As it is kept."""
    path = f"/api/v1/connections/{segment(connection_id)}"
    kept: str | None = api.call("PATCH", path, {"admin_url": admin_url or None})["admin_url"]
    return kept


def _steps(out: Console, made: Mapping[str, Any]) -> None:
    """What a person does elsewhere to complete it."""
    if made.get("authorize_url"):
        out.print(Text("Open this link in a browser, once, and authorize the shop there:"))
        out.print(Text(f"  {made['authorize_url']}"), soft_wrap=True)
        return
    out.print(Text("In Magento's admin: System › Integrations › Add New Integration. Paste these two:"))
    out.print(Text(f"  Callback URL       {made.get('callback_url') or ''}"), soft_wrap=True)
    out.print(Text(f"  Identity link URL  {made.get('identity_url') or ''}"), soft_wrap=True)
    out.print(Text("Save, then choose Activate and Allow. The connection completes itself."))


def _waited(api: Api, made: Mapping[str, Any], seconds: float) -> Any:
    """Raises `Failed` when it was not completed in time."""
    end = time.monotonic() + seconds
    found: Any = made
    with Console(stderr=True).status("waiting for it to be completed"):
        while time.monotonic() < end:
            try:
                found = api.get(f"/api/v1/connections/{segment(made['id'])}")
            except ApiProblem as problem:
                if problem.status != 404:
                    raise
                # The seller's shops were known already: their earlier connection goes on in its place.
                raise Failed("the connection was joined with an earlier one: bridge doctor shows it") from None
            if found["state"] != "announced":
                return found
            time.sleep(POLL_SECONDS)
    raise Failed(f"not completed after {seconds:g} s. It stays announced: complete it, then see bridge doctor")
