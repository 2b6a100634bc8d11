"""Doctor at TikTok Shop: the grant, what it opens, and whether messages are asked for; each shop by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from bridge.connectors.checking import Checks
from bridge.connectors.tiktok.auth import Tokens
from bridge.connectors.tiktok.client import Client
from bridge.connectors.tiktok.protocol import AUTHORIZED_SHOPS, SEARCH_RETURNS, Answer, Call, call
from bridge.connectors.tiktok.reading import Unreadable, items
from bridge.connectors.tiktok.reasons import reasons_for
from bridge.connectors.tiktok.registration import address_finding, register
from bridge.connectors.tiktok.sweeping import CANCELLATIONS, ORDERS
from bridge.domain.outcomes import Reauth, Rejected, RemoteProblem, Retry
from bridge.ports import Finding, FoundShop, Known

SOON: Final = timedelta(days=30)
"""TikTok warns of the end of an authorization in its last 30 days."""
_NO_SCOPE: Final = frozenset({105005, 10006402, 25020005})
_SHOPS_PACKAGE: Final = "Shop Authorized Information"
_UNTOLD: Final = ("webhooks_un", "webhook_missing", "webhook_elsewhere", "public_url")
"""Findings with which messages do not come, or not all."""
_REST: Final = ("the shops", "permissions", "webhooks", "token life")


def _probes(cipher: str) -> tuple[tuple[str, str, Call], ...]:
    """What must be readable, the package that opens it (Partner Center, `api_auth_info_list`), the cheapest call."""
    returns = call(SEARCH_RETURNS, cipher=cipher, query={"page_size": "10", "sort_order": "DESC"}, body={})
    return (
        ("orders", "Order Information", ORDERS.newest(cipher)),
        ("cancellations", "Return & Refund Basic", CANCELLATIONS.newest(cipher)),
        ("returns", "Return & Refund Basic", returns),
    )


async def first_look(client: Client, checks: Checks) -> Sequence[FoundShop] | RemoteProblem:
    """The way there and the grant, by the one read that needs no shop."""
    try:
        answer = await client.ask(call(AUTHORIZED_SHOPS))
    except RemoteProblem as problem:
        if isinstance(problem.outcome, Retry):
            text = f"{problem.outcome.because}. Check that this machine may call out by https, and its DNS."
            checks.say(Finding("error", "unreachable", text))
        else:
            checks.say(_reached(), Finding("error", "not_authorized", problem.outcome.because))
        checks.not_checked(_REST, "of the error above")
        return problem
    if not answer.is_success:
        refused = client.problem(answer)
        checks.say(*_refusal(answer, refused))
        checks.not_checked(_REST, "of the error above")
        return refused
    checks.say(_reached())
    try:
        shops = read_shops(answer)
    except RemoteProblem as problem:
        checks.say(Finding("error", "refused", problem.outcome.because))
        return problem
    if not shops:
        nothing = no_shop()
        checks.say(Finding("error", "not_authorized", nothing.outcome.because))
        return nothing
    names = ", ".join(shop.name for shop in shops)
    checks.say(Finding("ok", "authorized", f"TikTok lets the app work for {names}"))
    return shops


def _reached() -> Finding:
    return Finding("ok", "reachable", "TikTok Shop's API answers.")


def _refusal(answer: Answer, problem: RemoteProblem) -> list[Finding]:
    outcome = problem.outcome
    if answer.code in _NO_SCOPE:
        return [_reached(), _scope("The shops", _SHOPS_PACKAGE, answer)]
    if isinstance(outcome, Reauth):
        return [_reached(), Finding("error", "not_authorized", outcome.because)]
    if isinstance(outcome, Retry) and outcome.needs_person:
        return [_reached(), Finding("error", "clock_refused", outcome.because)]
    if isinstance(outcome, Retry):
        text = f"{outcome.because}. Run doctor again later."
        return [Finding("error", "slowed_down" if outcome.throttled else "remote_failing", text)]
    return [Finding("error", "refused", outcome.because)]


def _scope(what: str, package: str, answer: Answer) -> Finding:
    text = (
        f"{what} cannot be read: the app lacks the package {package}. Partner Center › your app › Manage API: request "
        f"it, then have the seller authorize the app again (TikTok: code {answer.code})."
    )
    return Finding("error", "scope_missing", text)


def no_shop() -> RemoteProblem:
    return RemoteProblem(Reauth("the token opens no shop; authorize the app for your TikTok Shop"))


def read_shops(answer: Answer) -> list[FoundShop]:
    """Raises `RemoteProblem` for an answer of another shape."""
    try:
        rows = items(answer.data, "shops")
    except Unreadable as problem:
        raise RemoteProblem(Rejected(str(problem), "unreadable")) from problem
    shops = [
        FoundShop(
            channel_shop_id=str(row.get("id") or ""),
            name=str(row.get("name") or row.get("code") or row.get("id")),
            region=str(row.get("region") or ""),
            cipher=str(row.get("cipher") or ""),
            seller_type=str(row.get("seller_type") or ""),
        )
        for row in rows
    ]
    return [shop for shop in shops if shop.channel_shop_id and shop.cipher]


async def examine_shops(
    client: Client,
    shops: Sequence[FoundShop],
    addresses: Mapping[str, str],
    public_url: str,
    checks: Checks,
    *,
    mend: bool,
    known: Known,
) -> datetime | None:
    """The newest change of a cancellation in any of them; None where none is there or could be read."""
    newest: list[datetime] = []
    gone = set(known.facts.get("shop_ids") or ()) - {shop.channel_shop_id for shop in shops}
    if gone:
        text = (
            f"The grant no longer opens the TikTok Shops {', '.join(sorted(gone))}: their orders are not settled. Have "
            "the seller authorize the app for them again."
        )
        checks.say(Finding("error", "shop_gone", text))
    for shop in shops:
        newest += await _readable(client, shop, checks)
        checks.say(_region(shop))
        found = await checks.make(f"{shop.name}: webhooks", partial(register, client, shop, addresses, mend=mend), 20.0)
        checks.say(*(found or ()))
    if (finding := address_finding(public_url)) is not None:
        checks.say(finding)
    return max(newest, default=None)


async def _readable(client: Client, shop: FoundShop, checks: Checks) -> list[datetime]:
    """Say what of the shop can be read; the newest cancellation's time of change, if there is one."""
    seen: list[str] = []
    newest: list[datetime] = []
    for what, package, request in _probes(shop.cipher):
        answer = await checks.make(f"{shop.name}: {what}", partial(client.ask, request))
        if answer is None:
            continue
        if answer.is_success:
            seen.append(what)
            if what == "cancellations":
                newest += _times(answer)
        elif answer.code in _NO_SCOPE:
            checks.say(_scope(f"{shop.name}: {what}", package, answer))
        else:
            checks.say(_unread(f"{shop.name}: {what}", client.problem(answer)))
    if seen:
        checks.say(Finding("ok", "scopes", f"{shop.name}: {' and '.join(seen)} can be read."))
    return newest


def _unread(what: str, problem: RemoteProblem) -> Finding:
    text = f"{what} could not be read. {problem.outcome.because}"
    if isinstance(problem.outcome, Reauth):
        return Finding("error", "read_refused", text)
    return Finding("warning", "not_checked", text)


def _times(answer: Answer) -> list[datetime]:
    try:
        rows = items(answer.data, "cancellations")
    except Unreadable:
        return []
    times = [row.get("update_time") for row in rows]
    return [datetime.fromtimestamp(when, UTC) for when in times if isinstance(when, int) and 0 < when < 1 << 33]


def _region(shop: FoundShop) -> Finding:
    reasons = len(reasons_for(shop.region))
    kind = {"LOCAL": "local seller", "CROSS_BORDER": "cross-border seller"}.get(shop.seller_type, "seller type unknown")
    if not reasons:
        text = (
            f"{shop.name}: no cancellation reasons are known for the region {shop.region or '(none told)'} ({kind}). "
            "TikTok is asked at each cancel what it takes; a default reason cannot be checked beforehand."
        )
        return Finding("warning", "region_unknown", text)
    return Finding("ok", "region", f"{shop.name}: region {shop.region}, {kind}, {reasons} reasons to cancel are known.")


def token_findings(tokens: Tokens, now: datetime) -> list[Finding]:
    """How long the grant lives, and what happens then."""
    found: list[Finding] = []
    if tokens.access_expires_at is not None:
        text = f"The access token is good until {_day(tokens.access_expires_at)}; it is renewed by itself before."
        found.append(Finding("ok", "token_access", text))
    until = tokens.refresh_expires_at
    if until is None:
        text = "TikTok has not told how long the seller's authorization lasts; it does with the next renewal."
        found.append(Finding("ok", "token_life", text))
    elif until <= now:
        text = (
            f"The seller's authorization ended on {_day(until)}: with the access token everything stops. Have the "
            "seller authorize the app again."
        )
        found.append(Finding("error", "token_expires", text))
    elif until - now <= SOON:
        text = (
            f"The seller's authorization ends on {_day(until)}, in {(until - now).days} days; then nothing works. Have "
            "the seller authorize the app again before: on its page, or bridge connect tiktok."
        )
        found.append(Finding("warning", "token_expires", text))
    else:
        text = f"The seller's authorization lasts until {_day(until)}."
        found.append(Finding("ok", "token_life", text))
    return found


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def facts_of(
    credentials: Mapping[str, Any], shops: Sequence[FoundShop], tokens: Tokens, findings: Sequence[Finding]
) -> dict[str, Any]:
    """What is kept of the account."""
    ids = sorted(shop.channel_shop_id for shop in shops)
    is_told = not any(
        one.code.startswith(("webhooks_un", "webhook_missing", "webhook_elsewhere", "public_url")) for one in findings
    )
    return {
        "identity": f"{credentials['app_key']}/{'+'.join(ids)}",
        "app_key": credentials["app_key"],
        "shop_ids": ids,
        "mode": "full" if is_told else "sweep-only",
        "seller_name": tokens.seller_name,
    }
