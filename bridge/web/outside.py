"""The routes that strangers and machines call: deliveries, OAuth, the version check, health and metrics."""

from __future__ import annotations

from typing import Final

from bridge.storage.api_tokens import Scope
from bridge.web.health import Alive, healthz, readyz
from bridge.web.hooks import magento_hook, store_hook, tiktok_hook
from bridge.web.metrics import show_metrics
from bridge.web.oauth_magento import Identity, magento_callback, magento_identity
from bridge.web.oauth_tiktok import Back, Start, tiktok_callback, tiktok_start
from bridge.web.plugin import VersionCheck, version_check
from bridge.web.routes import Answer, Route
from plugin_contract.deliveries import APP_KEY_HEADER, SIGNATURE_HEADER, TOPIC_HEADER
from plugin_contract.versions import Capabilities

_DELIVERY: Final = (400, 401, 404, 408, 413, 415)
_PAGE: Final = Answer(content_types=("text/html",), says="A page that says how it stands")

ROUTES: Final = (
    Route(
        "POST",
        "/hooks/magento/{connection}",
        magento_hook,
        "The plugin's deliveries",
        {200: Answer(says="Durable, or no work in it. Empty body.")},
        problems=_DELIVERY,
        headers={
            TOPIC_HEADER: "What happened, such as creditmemos/update",
            SIGNATURE_HEADER: "Hex HMAC-SHA256 of the raw body under the integration's consumer key",
            APP_KEY_HEADER: "Id of the connection, as the plugin was told it",
        },
        token=False,
        tag="hooks",
    ),
    Route(
        "POST",
        "/hooks/{kind}/{connection}",
        store_hook,
        "Deliveries of any other store, signed as its platform signs",
        {200: Answer(says="Durable, or no work in it. Empty body.")},
        problems=_DELIVERY,
        token=False,
        tag="hooks",
    ),
    Route(
        "POST",
        "/hooks/tiktok/{app_key}/{event}",
        tiktok_hook,
        "TikTok Shop's messages, one path per event type",
        {200: Answer(says="Durable, or no work in it. Empty body.")},
        problems=_DELIVERY,
        token=False,
        tag="hooks",
        notes="Signed in the Authorization header: hex HMAC-SHA256 of app key and raw body under the app secret.",
    ),
    Route(
        "POST",
        "/oauth/magento/callback",
        magento_callback,
        "Magento's Activate posts here; answered at once, for announced stores only",
        {200: Answer(says="Taken in; the exchange runs")},
        problems=(400, 403, 408, 413, 415, 429),
        form=("oauth_consumer_key", "oauth_consumer_secret", "store_base_url", "oauth_verifier"),
        token=False,
        tag="oauth",
    ),
    Route(
        "GET",
        "/oauth/magento/identity",
        magento_identity,
        "How the exchange stands; Magento opens it in the admin's browser",
        {200: _PAGE, 400: _PAGE, 404: _PAGE},
        query=Identity,
        token=False,
        tag="oauth",
    ),
    Route(
        "GET",
        "/oauth/tiktok/start",
        tiktok_start,
        "To TikTok Shop's authorization; with an API token or a link good once",
        {302: Answer(says="To TikTok Shop", headers={"Location": "TikTok Shop's page where the seller agrees"})},
        problems=(403, 404, 409),
        query=Start,
        token=False,
        may_use=Scope.CONFIGURE,
        tag="oauth",
    ),
    Route(
        "GET",
        "/oauth/tiktok/callback",
        tiktok_callback,
        "Back from TikTok Shop",
        {200: _PAGE, 400: _PAGE, 403: _PAGE, 502: _PAGE},
        query=Back,
        token=False,
        tag="oauth",
    ),
    Route(
        "GET",
        "/plugin/version-check",
        version_check,
        "What a plugin version can do; with connection (and a token) what the store's own can",
        {200: Answer(Capabilities)},
        problems=(401, 404, 409, 502),
        query=VersionCheck,
        token=False,
        may_use=Scope.READ,
        tag="plugin",
    ),
    Route("GET", "/healthz", healthz, "The process lives", {200: Answer(Alive)}, token=False, tag="operations"),
    Route(
        "GET",
        "/readyz",
        readyz,
        "Database, migrations, workers and disk are as they should be",
        {200: Answer(Alive)},
        token=False,
        tag="operations",
    ),
    Route(
        "GET",
        "/metrics",
        show_metrics,
        "Prometheus metrics; keep them from the public at the proxy",
        {200: Answer(content_types=("text/plain",), says="Prometheus text format")},
        token=False,
        tag="operations",
    ),
)
