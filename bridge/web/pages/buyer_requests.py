"""Rules for buyers' requests to cancel: which are answered before TikTok's deadline without a person, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from bridge.domain.settings import BuyerRequests, RequestRule, ShopSettings
from bridge.storage import shops
from bridge.storage.shops import Shop
from bridge.web.api.models import CancellationSyncChange
from bridge.web.api.shops import set_cancellation_sync, with_cancellation
from bridge.web.bodies import as_model
from bridge.web.desk import DESK
from bridge.web.holding import may_hold
from bridge.web.pages.forms import FORM, Form, wrong_fields
from bridge.web.pages.made_of import MADE_OF, check_made_of, made_of
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.shop_choice import to_a_shop
from bridge.web.pages.visits import VISIT, remember
from bridge.web.problems import Problem, invalid

PATH: Final = "/settings/buyer-requests"
DECISIONS: Final[Mapping[str, tuple[str, str]]] = {
    "approve": ("Approve", "TikTok pays the buyer back, and the units are refunded in the store."),
    "reject": ("Reject", "The order lives on. In the US TikTok asks sellers not to: shipping rejects by itself."),
    "hold": ("Ask a person", "For what the rules below this one must not answer."),
}
SHIPPED: Final[Mapping[str, str]] = {
    "": "It does not matter",
    "no": "Nothing of the request has left, by both sides' word",
    "yes": "Something of it has certainly left",
}
_NUMBERS: Final = ("younger_than_hours", "older_than_hours", "total_at_most")


async def show_rules(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(request: web.Request, errors: Mapping[str, str] | None = None, status: int = 200) -> web.Response:
    desk = request.app[DESK]
    found = await desk.db.read(shops.all)
    try:
        shop, store = await with_cancellation(desk, request.match_info["shop"])
    except Problem as problem:
        if problem.slug != "no-cancellation-settings":
            raise
        here = next(one for one in found if one.id == request.match_info["shop"])
        return show(
            request,
            "buyer_requests_none.html",
            title="Buyers' requests",
            page="buyer-requests",
            shop=here,
            shops=found,
            because=problem.detail,
        )
    part = shop.settings.cancellation_sync.buyer_requests
    form = request.get(FORM)
    return show(
        request,
        "buyer_requests.html",
        title="Buyers' requests",
        page="buyer-requests",
        status=status,
        shop=shop,
        shops=found,
        part=part,
        made_of=made_of(part),
        rules=[
            (rule, rule_words(rule), f"{PATH}/{shop.id}/rule?{urlencode({'rule': rule.name})}") for rule in part.rules
        ],
        decisions=DECISIONS,
        # One that is on may be switched off, whatever the store can.
        offers_hold=may_hold(desk, store) or part.hold_fulfilment,
        may_hold=may_hold(desk, store),
        store=store,
        typed={
            "enabled": form.has("enabled") if form else part.enabled,
            "hold": form.has("hold_fulfilment") if form else part.hold_fulfilment,
        },
        errors=dict(errors or {}),
    )


def rule_words(rule: RequestRule) -> list[str]:
    """Its conditions; all of them must hold."""
    found: list[str] = []
    if rule.store_shipped is not None:
        found.append("something of the request has left" if rule.store_shipped else "nothing of the request has left")
    if rule.younger_than_hours is not None:
        found.append(f"placed less than {rule.younger_than_hours:g} h ago")
    if rule.older_than_hours is not None:
        found.append(f"placed {rule.older_than_hours:g} h ago or more")
    if rule.reasons:
        found.append(f"the buyer's reason is {' or '.join(rule.reasons)}")
    if rule.seller_skus:
        skus = ", ".join(rule.seller_skus[:10]) + (
            f" and {len(rule.seller_skus) - 10} more" * (len(rule.seller_skus) > 10)
        )
        found.append(f"every unit is of {skus}")
    if rule.total_at_most is not None:
        found.append(f"the order's total is at most {rule.total_at_most}, in its own currency")
    return found or ["always"]


async def _set(
    request: web.Request, change: Mapping[str, Any], base: BuyerRequests | None = None
) -> tuple[Shop, BuyerRequests, BuyerRequests]:
    """The shop, and its part about buyers' requests before and after. Raises `Problem`.

    `base`: what the change was made from.
    """
    desk, shop_id = request.app[DESK], request.match_info["shop"]
    shop, _ = await with_cancellation(desk, shop_id)
    asked = as_model({"buyer_requests": change}, CancellationSyncChange)

    def unmoved(now: ShopSettings) -> None:
        check_made_of(request[FORM].text(MADE_OF), now.cancellation_sync.buyer_requests)
        check_made_of(made_of(base) if base else "", now.cancellation_sync.buyer_requests)

    after = await set_cancellation_sync(desk, shop_id, asked, request[VISIT].who, unmoved)
    return shop, shop.settings.cancellation_sync.buyer_requests, after.buyer_requests


async def save(request: web.Request) -> web.Response:
    """Whether the rules answer, and whether parcels are held meanwhile."""
    form = request[FORM]
    change: dict[str, Any] = {"enabled": form.has("enabled")}
    if form.has("offers_hold"):
        change["hold_fulfilment"] = form.has("hold_fulfilment")
    try:
        shop, before, after = await _set(request, change)
    except Problem as problem:
        if problem.status == 404:
            raise
        found = {name.removeprefix("buyer_requests/"): text for name, text in wrong_fields(problem).items()}
        if "rules" in found:
            found = {"enabled": "Add at least one rule below before switching them on."}
        return await _page(request, found, problem.status)
    told: list[str] = []
    if before.enabled != after.enabled:
        told.append(
            "The rules answer requests made from now on." if after.enabled else "A person answers each request again."
        )
    if before.hold_fulfilment != after.hold_fulfilment:
        told.append(
            "What is not sent is held while a request waits."
            if after.hold_fulfilment
            else "Nothing more is held; what is held now is released in its time."
        )
    await remember(request, f"Saved. {' '.join(told)}" if told else "Nothing was different, so nothing changed.")
    return see_other(f"{PATH}/{shop.id}")


# --- one rule ---------------------------------------------------------------------------------------------------------


async def show_rule(request: web.Request) -> web.Response:
    """`rule`: the name of the one that is changed; without it, a new one."""
    return await _rule(request, request.query.get("rule", ""))


async def _rule(
    request: web.Request, name: str, errors: Mapping[str, str] | None = None, status: int = 200
) -> web.Response:
    shop, _ = await with_cancellation(request.app[DESK], request.match_info["shop"])
    part = shop.settings.cancellation_sync.buyer_requests
    rule = next((one for one in part.rules if one.name == name), None)
    if name and rule is None and status == 200:
        raise Problem("not-found", "There is no rule of this name any more; go back to the list.")
    form = request.get(FORM)
    return show(
        request,
        "buyer_request_rule.html",
        title=name or "A new rule",
        page="buyer-requests",
        status=status,
        shop=shop,
        name=name,
        made_of=made_of(part),
        typed=_typed(form) if form else _stored(rule),
        decisions=[(key, *words) for key, words in DECISIONS.items()],
        shipped=[(key, words, "") for key, words in SHIPPED.items()],
        errors=dict(errors or {}),
    )


def _typed(form: Form) -> dict[str, str]:
    names = ("name", "decision", "store_shipped", *_NUMBERS, "reasons", "seller_skus", "reject_reason", "comment")
    return {name: form.text(name) for name in names}


def _stored(rule: RequestRule | None) -> dict[str, str]:
    """A rule as its form holds it; for a new one the careful and common one: approve what is not sent."""
    if rule is None:
        return {"name": "", "decision": "approve", "store_shipped": "no", "younger_than_hours": "24"} | dict.fromkeys(
            ("older_than_hours", "total_at_most", "reasons", "seller_skus", "reject_reason", "comment"), ""
        )
    numbers = {name: _plain(getattr(rule, name)) for name in _NUMBERS}
    return {
        "name": rule.name,
        "decision": rule.decision,
        "store_shipped": {None: "", False: "no", True: "yes"}[rule.store_shipped],
        **numbers,
        "reasons": "\n".join(rule.reasons),
        "seller_skus": "\n".join(rule.seller_skus),
        "reject_reason": rule.reject_reason or "",
        "comment": rule.comment,
    }


def _plain(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _given(form: Form, others: Sequence[RequestRule]) -> RequestRule:
    """The rule a form says. Raises `Problem` 422."""
    typed = _typed(form)
    if not typed["name"]:
        raise invalid("/name", "Give the rule a name: it stands in the order's story when the rule has answered.")
    if any(one.name == typed["name"] for one in others):
        raise invalid("/name", "There is a rule of this name; the order's story tells them apart by it.")
    rejects = typed["decision"] == "reject"
    if rejects and not typed["reject_reason"]:
        raise invalid("/reject_reason", "A rule that rejects needs one of TikTok's reason keys.")
    if not rejects and (typed["reject_reason"] or typed["comment"]):
        raise invalid("/reject_reason", "Reason and comment belong to a rule that rejects; empty them.")
    given: dict[str, Any] = {
        "name": typed["name"],
        "decision": typed["decision"],
        "store_shipped": {"no": False, "yes": True}.get(typed["store_shipped"]),
        **{name: typed[name].replace(",", ".") or None for name in _NUMBERS},
        **{
            name: [one.strip() for one in typed[name].split("\n") if one.strip()] for name in ("reasons", "seller_skus")
        },
        "reject_reason": typed["reject_reason"] or None,
        "comment": typed["comment"],
    }
    return as_model(given, RequestRule)


async def save_rule(request: web.Request) -> web.Response:
    form, was = request[FORM], request[FORM].text("rule")
    shop, _ = await with_cancellation(request.app[DESK], request.match_info["shop"])
    part = shop.settings.cancellation_sync.buyer_requests
    rules = list(part.rules)
    place = next((place for place, one in enumerate(rules) if one.name == was), None)
    try:
        if was and place is None:
            raise invalid("", "Somebody removed this rule meanwhile. Save it under a new rule, or go back.")
        rule = _given(form, [one for one in rules if one.name != was])
        if place is None:
            rules.append(rule)
        else:
            rules[place] = rule
        _, before, after = await _set(request, {"rules": [one.model_dump() for one in rules]}, part)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _rule(request, was, _in_form(problem), problem.status)
    if before.rules == after.rules:
        text = "Nothing was different, so nothing changed."
    else:
        text = (
            f"Saved the rule {rule.name}: {DECISIONS[rule.decision][0].lower()} when {', and '.join(rule_words(rule))}."
        )
        text += "" if after.enabled else " The rules are switched off."
    await remember(request, text)
    return see_other(f"{PATH}/{shop.id}")


def _in_form(problem: Problem) -> dict[str, str]:
    """Mistakes by the form's fields: a list's items are one area, and what is about the whole rule says so plainly."""
    found: dict[str, str] = {}
    for name, text in wrong_fields(problem).items():
        plain = text.removeprefix("Value error, ").replace("younger_than_hours", "“less than”")
        found.setdefault(name.split("/")[0] if not name.startswith("buyer_requests") else "", plain)
    if set(found) == {""} and "“less than”" in found[""]:
        return {"younger_than_hours": "“Less than” must be more than “or more”: no order is both."}
    return found


async def move_rule(request: web.Request) -> web.Response:
    """`up`: the rule has its say before the one above it. `remove`: it goes.

    `place`: where the rule stood on the page, from 1. It is moved from there only, so that a form sent twice moves it
    once.
    """
    form = request[FORM]
    name, wanted = form.text("rule"), form.text("do")
    shop, _ = await with_cancellation(request.app[DESK], request.match_info["shop"])
    part = shop.settings.cancellation_sync.buyer_requests
    rules = list(part.rules)
    place = next((place for place, one in enumerate(rules) if one.name == name), None)
    if place is None or wanted not in {"up", "remove"}:
        await remember(request, "That rule is not there any more; nothing was changed.", "warning")
        return see_other(f"{PATH}/{shop.id}")
    stood = form.text("place")
    if wanted == "up" and stood and stood != str(place + 1):
        is_so = stood == str(place + 2)
        text = f"{name} has its say earlier already." if is_so else f"{name} was moved meanwhile; nothing was changed."
        await remember(request, text, "ok" if is_so else "warning")
        return see_other(f"{PATH}/{shop.id}")
    rule = rules.pop(place)
    if wanted == "up":
        rules.insert(max(0, place - 1), rule)
    change: dict[str, Any] = {"rules": [one.model_dump() for one in rules]}
    if not rules:
        change["enabled"] = False
    try:
        await _set(request, change, part)
    except Problem as problem:
        if problem.slug != "conflict":
            raise
        await remember(
            request, "Somebody changed the rules since this page was opened; nothing was changed.", "warning"
        )
        return see_other(f"{PATH}/{shop.id}")
    text = f"{name} has its say earlier now." if wanted == "up" else f"Removed the rule {name}."
    if not rules and part.enabled:
        text += " It was the last: a person answers each request again."
    await remember(request, text)
    return see_other(f"{PATH}/{shop.id}")


ROUTES: Final = (
    PageRoute(
        "GET",
        PATH,
        to_a_shop(PATH, "Buyers' requests", "buyer-requests"),
        "Rules for buyers' requests of the first shop, or of the one chosen",
    ),
    PageRoute("GET", PATH + "/{shop}", show_rules, "Which buyers' requests are answered by rules, and how"),
    PageRoute("POST", PATH + "/{shop}", save, "Switch the rules on or off; hold parcels meanwhile"),
    PageRoute("GET", PATH + "/{shop}/rule", show_rule, "One rule, or a new one"),
    PageRoute("POST", PATH + "/{shop}/rule", save_rule, "Save the rule"),
    PageRoute("POST", PATH + "/{shop}/order", move_rule, "Move a rule up, or remove it"),
)
