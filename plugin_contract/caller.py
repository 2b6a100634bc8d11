"""A small signed REST client for the conformance check: nothing is repeated, no redirect is followed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import aiohttp
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client
from yarl import URL

from plugin_contract.fields import ContractError

TIMEOUT_SECONDS = 60
"""The call after a registration takes Magento 3 to 5 seconds, because its configuration cache was cleaned."""

OAUTH_VARIABLES = (
    "MAGENTO_CONSUMER_KEY",
    "MAGENTO_CONSUMER_SECRET",
    "MAGENTO_ACCESS_TOKEN",
    "MAGENTO_ACCESS_TOKEN_SECRET",
)
BEARER_VARIABLE = "MAGENTO_BEARER_TOKEN"


Method = Literal["GET", "POST", "DELETE"]


class NoCredentials(ContractError):
    """The environment holds neither the four OAuth values nor a bearer token."""


class Unreachable(ContractError):
    """No answer at all."""


class OAuth1(NamedTuple):
    """The four values of an activated Magento integration."""

    consumer_key: str
    consumer_secret: str
    access_token: str
    access_token_secret: str

    def authorization(self, method: Method, url: str) -> str:
        """OAuth 1.0a, HMAC-SHA256. The body is left out of the signature: Magento knows no oauth_body_hash."""
        client = Client(
            self.consumer_key,
            client_secret=self.consumer_secret,
            resource_owner_key=self.access_token,
            resource_owner_secret=self.access_token_secret,
            signature_method=SIGNATURE_HMAC_SHA256,
        )
        _, headers, _ = client.sign(url, http_method=method, body=None, headers={})
        return str(headers["Authorization"])


class Bearer(NamedTuple):
    """A bearer token: an admin's, or an integration's where the store allows it (off by default from Magento 2.4.4)."""

    token: str

    def authorization(self, _method: Method, _url: str) -> str:
        """The Authorization header."""
        return f"Bearer {self.token}"


class Answer(NamedTuple):
    """Status and text of an answer; `json` reads the text."""

    status: int
    text: str

    def json(self) -> Any:
        """The parsed body. Raises ContractError when it is not JSON (a maintenance page, a proxy's error page)."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError) as error:
            raise ContractError("the answer is not JSON") from error


def credentials(environment: Mapping[str, str]) -> OAuth1 | Bearer:
    """Read them from the environment, the OAuth values first. Raises NoCredentials."""
    values = [environment.get(name, "").strip() for name in OAUTH_VARIABLES]
    if all(values):
        return OAuth1(*values)
    token = environment.get(BEARER_VARIABLE, "").strip()
    if token:
        return Bearer(token)
    absent = [name for name, value in zip(OAUTH_VARIABLES, values, strict=True) if not value]
    raise NoCredentials(f"set {', '.join(absent)} (the integration's values), or {BEARER_VARIABLE}")


def encode(path: str) -> str:
    """Percent-encode what oauthlib refuses (brackets, spaces) and leave what is already encoded."""
    return quote(path, safe="/?&=%:,+~-._")


class Caller:
    """Calls one store. `base` is the store's address, with its path where Magento lives in one."""

    def __init__(self, session: aiohttp.ClientSession, base: str, access: OAuth1 | Bearer) -> None:
        self._session = session
        self._base = base.rstrip("/")
        self._access = access

    async def __call__(self, method: Method, path: str, body: bytes | None = None) -> Answer:
        """One call. Raises Unreachable."""
        url = self._base + encode(path)
        headers = {"Accept": "application/json", "Authorization": self._access.authorization(method, url)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            ) as response:
                return Answer(response.status, await response.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unreachable(f"{method} {url}: {type(error).__name__} {error}".rstrip()) from error
