"""Integrations, their keys and tokens, and the rules by which a caller is let in or turned away."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.sandbox.magento import oauth
from bridge.sandbox.magento.wire import RestError, required

ALL = "Magento_Backend::all"
SHORT_LIST = [
    "Magento_Backend::admin",
    "Magento_Sales::sales",
    "Magento_Sales::sales_operation",
    "Magento_Sales::sales_order",
    "Magento_Sales::actions",
    "Magento_Sales::create",
    "Magento_Sales::api_actions",
    "Magento_Sales::actions_view",
    "Magento_Sales::cancel",
    "Magento_Sales::invoice",
    "Magento_Sales::creditmemo",
    "Magento_Sales::ship",
    "Magento_Sales::comment",
    "Magento_Sales::sales_invoice",
    "Magento_Sales::sales_creditmemo",
    "Magento_Catalog::products",
    "Magento_Backend::store",
    "Magento_InventoryApi::source",
    "Magento_InventoryApi::stock",
    "Magento_InventorySalesApi::stock",
]
"""The resources that are enough for everything the service does."""

EXPIRES_AFTER = timedelta(seconds=300)
MAY_BE_AHEAD = 600
KEY_LENGTH = 32


def new_key() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(KEY_LENGTH))


@dataclass
class Token:
    token: str
    secret: str
    kind: str
    revoked: bool = False


@dataclass
class Integration:
    """`resources=None` grants everything. `token` is the verifier, then the request token, then the access token."""

    id: int
    name: str
    resources: list[str] | None = field(default_factory=lambda: list(SHORT_LIST))
    consumer_key: str = field(default_factory=new_key)
    consumer_secret: str = field(default_factory=new_key)
    active: bool = True
    callback_url: str | None = None
    identity_url: str | None = None
    token: Token | None = None
    verifier: str = ""
    activated_at: datetime | None = None
    nonces: set[tuple[str, str]] = field(default_factory=set)

    def allows(self, resource: str) -> bool:
        return self.resources is None or resource in self.resources


@dataclass(frozen=True)
class Caller:
    """Who makes a REST call. `user_id` is what the plugin stores as `integration_id`, also for an admin user."""

    user_id: int
    resources: list[str] | None

    @property
    def permissions(self) -> str:
        return ALL if self.resources is None else ",".join(self.resources)


def unauthorized(resource: str) -> RestError:
    return RestError(401, "The consumer isn't authorized to access %resources.", {"resources": resource})


class Integrations:
    """All integrations and admin tokens of the store."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._last = 0
        self.all: dict[int, Integration] = {}
        self.admin_tokens: dict[str, int] = {}

    def create(
        self,
        name: str,
        resources: list[str] | None,
        *,
        callback_url: str | None = None,
        identity_url: str | None = None,
        credentials: dict[str, str] | None = None,
    ) -> Integration:
        """An integration; without a callback it is active at once and has its access token.

        `credentials` fixes some of the four values; the others are made up.
        """
        given = credentials or {}
        self._last += 1
        made = Integration(self._last, name, resources, callback_url=callback_url, identity_url=identity_url)
        made.consumer_key = given.get("consumer_key", made.consumer_key)
        made.consumer_secret = given.get("consumer_secret", made.consumer_secret)
        if callback_url is None:
            made.token = Token(
                given.get("access_token", new_key()), given.get("access_token_secret", new_key()), "access"
            )
        else:
            made.active = False
        self.all[made.id] = made
        return made

    def find(self, wanted: object) -> Integration | None:
        """By id or by name."""
        return next((one for one in self.all.values() if str(wanted) in {str(one.id), one.name}), None)

    def consumer_key(self, integration_id: str) -> str | None:
        found = self.all.get(int(integration_id)) if integration_id.isdigit() else None
        return found.consumer_key if found else None

    def check_protocol(self, given: dict[str, str], *fields: str) -> Integration:
        """The steps before the signature, in Magento's order: the nonce is used up here, whatever comes after.

        Raises `RestError` 400 or 401.
        """
        if given.get("oauth_version", "1.0") != "1.0":
            raise RestError(400, "The '%1' value is not supported for oauth_version.", [given["oauth_version"]])
        for name in (
            "oauth_consumer_key",
            "oauth_signature",
            "oauth_signature_method",
            "oauth_nonce",
            "oauth_timestamp",
            *fields,
        ):
            if not given.get(name):
                raise required(name)
        if "oauth_token" in given and len(given["oauth_token"]) != KEY_LENGTH:
            raise RestError(401, "The token length is invalid. Check the length and try again.")
        if given["oauth_signature_method"] != "HMAC-SHA256":
            raise RestError(400, "Signature method %1 is not supported", [given["oauth_signature_method"]])
        consumer = next((one for one in self.all.values() if one.consumer_key == given["oauth_consumer_key"]), None)
        if consumer is None:
            raise RestError(401, "A consumer having the specified key does not exist")
        self._use_nonce(consumer, given["oauth_nonce"], given["oauth_timestamp"])
        return consumer

    def _use_nonce(self, consumer: Integration, nonce: str, timestamp: str) -> None:
        moment = int(timestamp) if re.fullmatch(r"\d{1,12}", timestamp) else 0
        if moment <= 0 or moment > self._now().timestamp() + MAY_BE_AHEAD:
            raise RestError(400, "The timestamp value in the oauth_timestamp parameter is invalid.")
        if (nonce, timestamp) in consumer.nonces:
            raise RestError(401, "The nonce is already being used by the consumer with ID %1", [str(consumer.id)])
        consumer.nonces.add((nonce, timestamp))

    def signed_caller(self, given: dict[str, str], method: str, url: str, query: str, resource: str) -> Caller:
        consumer = self.check_protocol(given, "oauth_token")
        token = consumer.token
        if token is None or token.token != given["oauth_token"]:
            raise RestError(401, "Specified token does not exist")
        if token.kind != "access":
            raise RestError(401, "Token is not an access token")
        if token.revoked:
            raise RestError(401, "Access token has been revoked")
        base = oauth.base_string(method, url, query, given)
        if not oauth.verified(given["oauth_signature"], base, consumer.consumer_secret, token.secret):
            raise RestError(401, "The signature is invalid. Verify and try again.")
        if not consumer.active or not consumer.allows(resource):
            raise unauthorized(resource)
        return Caller(consumer.id, consumer.resources)

    def bearer_caller(self, token: str, resource: str, *, allowed: bool) -> Caller:
        """A bearer token: an admin user's always, an integration's only where the store allows it.

        An inactive integration is still let in (measured).
        """
        if token in self.admin_tokens:
            return Caller(self.admin_tokens[token], None)
        found = next(
            (one for one in self.all.values() if one.token and one.token.kind == "access" and one.token.token == token),
            None,
        )
        if not allowed or found is None or (found.token and found.token.revoked) or not found.allows(resource):
            raise unauthorized(resource)
        return Caller(found.id, found.resources)
