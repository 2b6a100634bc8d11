"""What the first answer of a store says about the way to it and about our credentials. Pure.

Every text says what was seen and what to do about it; none carries a header, a token or a signature.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from bridge.connectors.magento.answers import Answer, message_of, read_problem
from bridge.ports import Finding

_WHERE: Final = "System › Integrations"


def unreachable(because: str) -> Finding:
    """`because` as the client tells it: the name is not known, the certificate is refused, nobody answers."""
    low = because.lower()
    if "certificate" in low or "ssl" in low:
        todo = "Renew the store's certificate, or have its server send the whole chain."
    elif any(word in low for word in ("name or service", "nodename", "no address", "name resolution", "not known")):
        todo = "Check the store's address, and whether this machine can look names up (DNS)."
    elif "private address" in low:
        todo = "BRIDGE_ALLOW_PRIVATE_URLS lifts this for test shops only."
    elif "did not answer" in low:
        todo = "The store is overloaded, or something on the way swallows the call."
    else:
        todo = "Check that the store is up, and that its firewall lets this machine in."
    return Finding("error", "unreachable", f"{because}. {todo}")


def refusal(answer: Answer, *, is_bearer: bool, others_work: bool | None = None) -> Finding:
    """What a first answer that is no success means.

    `others_work`: whether calls that need other permissions were answered; None where nobody asked.
    """
    told = read_problem(answer).outcome.because
    message = message_of(answer)
    if answer.status == 401 and message:
        return _unauthorized(message, is_bearer=is_bearer, others_work=others_work)
    if answer.status == 401:
        text = (
            "Something in front of the store asks for a password (HTTP 401 that is not Magento's): a staging lock, "
            "say. Exempt /rest/ from it, or let this machine's address pass."
        )
        return Finding("error", "not_magento", text)
    if answer.status == 400 and "timestamp" in message.lower():
        return Finding("error", "clock_refused", told)
    if 300 <= answer.status < 400:
        return Finding("error", "redirected", f"{told}{_target(answer)}")
    if answer.status == 503:
        text = f"{told}. Magento: bin/magento maintenance:status; doctor looks again when it is over."
        return Finding("error", "maintenance", text)
    if answer.status == 403 and not message:
        text = f"{told}. Allow this machine's address for /rest/ there (Cloudflare, ModSecurity, the host's panel)."
        return Finding("error", "forbidden", text)
    if answer.status == 429:
        return Finding("error", "slowed_down", f"{told}. Doctor was answered nothing; run it again later.")
    if answer.status >= 500:
        return Finding("error", "remote_failing", told)
    if not message:
        text = (
            f"{told}. At this address there is no Magento REST interface: check the address of the connection (folder, "
            "www, the right host), and that the web server hands /rest/ on to Magento."
        )
        return Finding("error", "not_magento", text)
    return Finding("error", "refused", told)


def _target(answer: Answer) -> str:
    """Where a redirect leads: scheme and host, no path, which may hold anything."""
    parts = urlsplit(answer.headers.get("location", ""))
    return f" It leads to {parts.scheme}://{parts.netloc.rpartition('@')[2]}." if parts.netloc else ""


def _unauthorized(message: str, *, is_bearer: bool, others_work: bool | None) -> Finding:
    """Magento says little: which of the four values is wrong is told as far as its words go."""
    low = message.lower()
    if "authorized to access" in low and others_work:
        text = (
            "The integration lacks Magento_Backend::store, needed to read the plugin's version and register for its "
            f"messages. Grant it in {_WHERE} › API, then save and reauthorize."
        )
        return Finding("error", "permission_missing", text)
    return Finding("error", "not_authorized", _wrong_value(message, low, is_bearer=is_bearer))


def _wrong_value(message: str, low: str, *, is_bearer: bool) -> str:
    again = "copy all four values again and connect again; the connection keeps its orders and settings"
    if "consumer" in low and "does not exist" in low:
        text = f"The consumer key is not known to the store: the integration was deleted ({_WHERE}), or the key is "
        return f"{text}another's; {again}."
    if "revoked" in low:
        return f"The access token was revoked in {_WHERE}. Activate the integration, then {again}."
    if "signature is invalid" in low:
        return (
            "Consumer key and access token are known, but the signature made with the two secrets is not accepted. "
            f"Either the consumer secret or the access token secret is wrong (Magento does not say which): {again}. Or "
            "Magento believes that it is called by http:// behind a proxy that ends TLS: set "
            "web/secure/offloader_header, and have the proxy send it."
        )
    if "nonce" in low:
        return f"Another program signs with the same integration at this moment ({message})."
    if "token" in low and ("does not exist" in low or "length" in low or "access token" in low):
        text = f"The access token is not one of the store's ({message}). Reauthorize in {_WHERE} makes a new one, and "
        return f"{text}the old one is dead: {again}."
    if "authorized to access" in low and is_bearer:
        return (
            "The store does not take the access token as a bearer token: it is switched off (Stores › Configuration › "
            "Services › OAuth › Consumer Settings, off by default since 2.4.4), or the token is wrong. Connect with "
            "all four OAuth values instead."
        )
    if "authorized to access" in low:
        return (
            "The store knows the integration and lets it do nothing at all: it is switched off, or has no permission. "
            f"Look in {_WHERE}: activate it, and choose the resources under API."
        )
    return f"The store refuses the credentials: {message}"
