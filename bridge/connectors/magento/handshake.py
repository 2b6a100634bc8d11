"""Magento's *Activate*: the callback form, and the exchange of tokens that proves it.

The callback is not signed and anybody can post to it; only the store that answers at `store_base_url` can turn its
values into an access token (Magento\\Integration\\Controller\\Token\\*; measured on 2.4.6-p11).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import aiohttp
from yarl import URL

from bridge.connectors.magento.addresses import store_url
from bridge.connectors.magento.answers import Answer, CutOff, NotReached
from bridge.connectors.magento.client import Client
from bridge.connectors.magento.signing import Credentials
from bridge.domain.outcomes import Reauth, RemoteProblem, Retry
from bridge.ports import Announced

EXPIRES_AFTER = 300
"""Seconds from the callback until Magento forgets it (`oauth/consumer/expiration_period`, default)."""
_FIELDS = {
    "oauth_consumer_key": "consumer_key",
    "oauth_consumer_secret": "consumer_secret",
    "oauth_verifier": "verifier",
    "store_base_url": "store_base_url",
}
_LONGEST = 2048


class MagentoHandshake:
    """`bridge.ports.StoreHandshake`."""

    def __init__(
        self, session: aiohttp.ClientSession, *, allow_private: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        self._session = session
        self._allow_private = allow_private
        self._now = now

    def read_callback(self, form: Mapping[str, str]) -> Announced:
        """Pure. Raises ValueError with what is missing."""
        values = {name: str(form.get(field) or "").strip() for field, name in _FIELDS.items()}
        missing = [field for field, name in _FIELDS.items() if not values[name]]
        if missing:
            raise ValueError(f"The callback lacks {', '.join(missing)}; only Magento's Activate posts there.")
        if any(len(value) > _LONGEST or not value.isprintable() for value in values.values()):
            raise ValueError("The callback has a value that no Magento store sends.")
        values["store_base_url"] = store_url(values["store_base_url"], allow_private=self._allow_private)
        return Announced(**values)

    async def exchange(self, announced: Announced) -> Mapping[str, Any]:
        """Verifier → request token → access token. Raises `RemoteProblem`, in time or never: 300 s after Activate."""
        asked = await self._token(
            announced, "/oauth/token/request", Credentials(announced.consumer_key, announced.consumer_secret), None
        )
        request = Credentials(
            announced.consumer_key, announced.consumer_secret, asked["oauth_token"], asked["oauth_token_secret"]
        )
        given = await self._token(announced, "/oauth/token/access", request, announced.verifier)
        return {
            "consumer_key": announced.consumer_key,
            "consumer_secret": announced.consumer_secret,
            "access_token": given["oauth_token"],
            "access_token_secret": given["oauth_token_secret"],
        }

    async def _token(
        self, announced: Announced, path: str, credentials: Credentials, verifier: str | None
    ) -> Mapping[str, str]:
        try:
            client = Client(
                self._session,
                announced.store_base_url,
                credentials,
                allow_private=self._allow_private,
                now=self._now,
                verifier=verifier,
            )
        except ValueError as problem:
            raise RemoteProblem(Reauth(str(problem))) from None
        try:
            answer = await client.post(path, b"", {"Content-Type": "application/x-www-form-urlencoded"})
        except (NotReached, CutOff) as problem:
            raise RemoteProblem(Retry(str(problem))) from None
        return read_token(answer)


def read_token(answer: Answer) -> Mapping[str, str]:
    """`oauth_token` and `oauth_token_secret`, which come urlencoded as text/html. Raises `RemoteProblem`."""
    values = {name: found[0] for name, found in parse_qs(answer.text.strip()).items()}
    if answer.is_ok and values.get("oauth_token") and values.get("oauth_token_secret"):
        return values
    problem = values.get("oauth_problem", "")
    if not problem:
        raise RemoteProblem(Retry(f"The store answered the token exchange with HTTP {answer.status} and no token"))
    raise RemoteProblem(Reauth(_told(problem[:300])))


def _told(problem: str) -> str:
    low = problem.lower()
    if "expired" in low:
        return (
            f"Magento gives {EXPIRES_AFTER} seconds from Activate to the end of the exchange, and they are over. "
            "Choose Reauthorize in System › Integrations."
        )
    if "consumer" in low and "does not exist" in low:
        return f"The store does not know this integration ({problem}). It was deleted, or the callback was not its own."
    if "not a verifier token" in low or "does not exist" in low or "already being used" in low:
        return f"This activation was used before ({problem}). Choose Reauthorize in System › Integrations."
    if "signature is invalid" in low:
        return (
            f"Magento finds the signature invalid ({problem}). Behind a proxy that ends TLS, check the store's "
            "offloader header (web/secure/offloader_header)."
        )
    return f"Magento refused the token exchange: {problem}"


def same_store(announced: Announced, expected_url: str) -> bool:
    """Whether the callback is for the store an operator announced: the same host, port and folder."""
    given, expected = URL(announced.store_base_url), URL(expected_url)
    return (given.host, given.explicit_port, given.path.rstrip("/")) == (
        expected.host,
        expected.explicit_port,
        expected.path.rstrip("/"),
    )
