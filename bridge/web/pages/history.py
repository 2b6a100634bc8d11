"""History: what the last days would have caused, and what a person picks out of it to be done after all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from bridge.domain.effects import EffectKind
from bridge.domain.past import why_not_now
from bridge.storage import dry_run, shops
from bridge.storage.connections import Connection
from bridge.storage.orders import OrderRecord
from bridge.storage.shops import Shop
from bridge.web.api.history import apply_chosen, begin_history, chosen_of, history_of
from bridge.web.api.history_models import Apply, HistoryQuery, HistoryRow, NewHistory
from bridge.web.api.models import Page
from bridge.web.api.shops import reasons_for, shop_and_store
from bridge.web.bodies import as_model, read_query
from bridge.web.desk import DESK
from bridge.web.pages.forms import FORM, wrong_fields
from bridge.web.pages.orders import STATES
from bridge.web.pages.refusals import REFUSALS, told
from bridge.web.pages.rendering import see_other, show
from bridge.web.pages.routes import PageRoute
from bridge.web.pages.shop_choice import to_a_shop
from bridge.web.pages.visits import VISIT, remember
from bridge.web.problems import Problem, invalid

PATH: Final = "/history"
GLANCE: Final = 10
"""Rows of the dry run on the page of the runs."""
MOST: Final = 200
"""Orders of one form."""
_LONGEST_NUMBER: Final = 9
RELOAD: Final = 3
"""Seconds after which a page looks again at a run under way."""


async def show_history(request: web.Request) -> web.Response:
    return await _page(request)


async def _page(request: web.Request, errors: Mapping[str, str] | None = None, status: int = 200) -> web.Response:
    desk, shop_id = request.app[DESK], request.match_info["shop"]
    shop, store = await shop_and_store(desk, shop_id)
    asked, wrong = HistoryQuery(), dict(errors or {})
    if request.method == "GET":
        try:
            asked = read_query(request, HistoryQuery)
        except Problem as problem:
            wrong, status = wrong_fields(problem), problem.status
    found = await history_of(desk, shop_id, asked)

    async def read(conn: AsyncConnection) -> tuple[list[Shop], list[OrderRecord], str | None]:
        return await shops.all(conn), *await dry_run.page(conn, shop_id, limit=GLANCE)

    others, dry, more_dry = await desk.db.read(read)
    form = request.get(FORM)
    words = effect_words(store, _gives_back_by(request, store))
    kept = {name: value for name, value in (("job", asked.job), ("effect", asked.effect)) if value}
    here = f"{PATH}/{shop_id}"
    rows = [_shown(row, shop, words) for row in found.orders]
    return show(
        request,
        "history.html",
        title="History",
        page="history",
        status=status,
        shop=shop,
        shops=others,
        store=store,
        job=found.job,
        since=_since(found.job.progress if found.job else {}),
        directions=_DIRECTIONS.get(tuple(found.job.progress.get("directions", ())) if found.job else (), _BOTH),
        is_running=found.job is not None and found.job.state in {"queued", "running"},
        counts=_counted(found.counts, words),
        rows=rows,
        choosable=sum(1 for row in rows if row.may_be_chosen),
        obstacles=_obstacles(shop, found.counts),
        asked=asked,
        effect=words.get(asked.effect, asked.effect) if asked.effect else "",
        states=STATES,
        dry=dry,
        more_dry=more_dry is not None,
        typed={
            "days": form.text("days") if form else "30",
            "there": form.has("store_to_channel") if form else True,
            "back": form.has("channel_to_store") if form else True,
        },
        errors=wrong,
        reload_after=RELOAD,
        first=_at(here, kept) if asked.cursor else None,
        following=_at(here, {**kept, "cursor": found.next}) if found.next else None,
    )


def _at(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


async def start(request: web.Request) -> web.Response:
    form, shop_id = request[FORM], request.match_info["shop"]
    directions = [name for name in ("store_to_channel", "channel_to_store") if form.has(name)]
    try:
        if not directions:
            raise invalid("/store_to_channel", "Choose one direction or both.")
        days = form.text("days")
        if not days.isdecimal() or len(days) > _LONGEST_NUMBER or not 1 <= int(days) <= 90:
            raise invalid("/days", "Give a whole number of days from 1 to 90.")
        asked = NewHistory.model_validate({"days": int(days), "directions": directions})
        await begin_history(request.app[DESK], shop_id, asked, request[VISIT].who)
    except REFUSALS as error:
        return await _page(request, *told(error))
    await remember(request, "The run has begun. It reads and compares; nothing is done on either side.")
    return see_other(f"{PATH}/{shop_id}")


_BOTH: Final = "both directions taken as on"
_DIRECTIONS: Final = {
    ("store_to_channel",): "only what goes from the store to TikTok Shop",
    ("channel_to_store",): "only what goes from TikTok Shop to the store",
}


# --- words ------------------------------------------------------------------------------------------------------------


def effect_words(store: Connection | None, gives_back_by: str) -> dict[str, str]:
    """Kinds of effects as people read them, of this shop's store."""
    name = store.name if store else "the store"
    in_store = f"Credit memo in {name}" if gives_back_by == "refund" else f"Cancellation in {name}"
    return {
        EffectKind.CANCEL.value: "Cancellation on TikTok Shop",
        EffectKind.CANCEL_LINES.value: "Cancellation of single lines on TikTok Shop",
        EffectKind.REFUND.value: in_store,
        EffectKind.APPROVE.value: "Approval of the buyer's request on TikTok Shop",
        EffectKind.REJECT.value: "Rejection of the buyer's request on TikTok Shop",
        "held": "Would wait for a person",
        "nothing": "Nothing to do",
        "all": "Every order that was compared",
    }


def _gives_back_by(request: web.Request, store: Connection | None) -> str:
    platform = request.app[DESK].platforms.get(store.kind) if store else None
    return platform.gives_back_by if platform else "refund"


def _counted(counts: Mapping[str, int], words: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """Kind, words and number, in the order of the words; what has no words comes last."""
    known = [(kind, words[kind], counts[kind]) for kind in words if counts.get(kind)]
    return known + [(kind, kind.replace("_", " "), count) for kind, count in counts.items() if kind not in words]


def _since(progress: Mapping[str, Any]) -> datetime | None:
    given = progress.get("since")
    return datetime.fromisoformat(given) if isinstance(given, str) else None


def _obstacles(shop: Shop, effects: Mapping[str, int]) -> list[str]:
    """What stands in the way of applying what was found, each said once."""
    kinds = {kind.value for kind in EffectKind}
    found = [why_not_now(shop.settings, effect) for effect, count in effects.items() if effect in kinds and count]
    return list(dict.fromkeys(one for one in found if one))


@dataclass(frozen=True, slots=True)
class Shown:
    """An order of a run as a row of a table."""

    row: HistoryRow
    would: str
    units: list[str]
    """Which units, in words, and what becomes of their stock."""
    value: str
    """What the buyer paid for them, with its currency; empty where it is not known."""
    changed_at: datetime | None
    holds: list[str]
    obstacle: str | None
    """Why it cannot be applied now."""

    @property
    def may_be_chosen(self) -> bool:
        return self.row.effect is not None and self.obstacle is None and self.row.state != "applied"


_VERDICTS: Final[Mapping[str, str]] = {
    "held": "Would wait for a person",
    "settled": "Nothing to do: both sides agree",
    "waiting": "Nothing yet: something is still under way",
    "not_imported": "Nothing to do: rightly not in the store",
    "ignored": "Nothing to do: none of ours",
}


def _shown(row: HistoryRow, shop: Shop, words: Mapping[str, str]) -> Shown:
    facts = row.facts
    changed_at = facts.get("changed_at")
    return Shown(
        row=row,
        would=words.get(row.effect, row.effect) if row.effect else _VERDICTS.get(row.verdict, row.verdict),
        units=_units(facts),
        value=str(facts.get("value") or facts.get("total") or ""),
        changed_at=datetime.fromisoformat(changed_at) if isinstance(changed_at, str) else None,
        holds=[str(one.get("because")) for one in facts.get("holds") or () if one.get("because") != row.because],
        obstacle=why_not_now(shop.settings, row.effect) if row.effect else None,
    )


def _units(facts: Mapping[str, Any]) -> list[str]:
    if rows := facts.get("rows"):
        return [
            f"{one['quantity']} × {one['sku']}, {'restocked' if one['restock'] else 'not restocked'}" for one in rows
        ]
    count = len(facts.get("units") or ())
    return [f"{count} {'unit' if count == 1 else 'units'}"] if count else []


# --- choose and apply -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sum:
    """What one kind of effect comes to."""

    words: str
    count: int
    worth: list[str]
    """An amount for each currency."""


def sums(rows: Sequence[Shown]) -> list[Sum]:
    """What will be tried, kind by kind. Amounts of different currencies are never added up."""
    kinds: dict[str, list[Shown]] = {}
    for row in rows:
        kinds.setdefault(row.would, []).append(row)
    return [Sum(words, len(found), _worth(found)) for words, found in kinds.items()]


def _worth(rows: Sequence[Shown]) -> list[str]:
    found: dict[str, Decimal] = {}
    for row in rows:
        amount, _, currency = row.value.partition(" ")
        if currency:
            found[currency] = found.get(currency, Decimal(0)) + Decimal(amount)
    return [f"{amount} {currency}" for currency, amount in sorted(found.items())]


async def confirm(request: web.Request) -> web.Response:
    """What will happen, said before it does. `all`: every order of that page of the list which can be chosen."""
    desk, shop_id, query = request.app[DESK], request.match_info["shop"], request.query
    shop, store = await shop_and_store(desk, shop_id)
    job, chosen = query.get("job", "")[:64], list(dict.fromkeys(query.getall("order", [])))[:MOST]
    words = effect_words(store, _gives_back_by(request, store))
    if query.get("all"):
        asked = as_model({name: query[name] for name in ("job", "effect", "cursor") if query.get(name)}, HistoryQuery)
        run = await history_of(desk, shop_id, asked)
        job = run.job.id if run.job else ""
        rows = [one for row in run.orders if (one := _shown(row, shop, words)).may_be_chosen]
    else:
        found = await chosen_of(desk, shop_id, job, chosen) if job and chosen else []
        rows = [_shown(row, shop, words) for row in found]
    taken = [row for row in rows if row.row.effect is not None and row.obstacle is None]
    cancels = sum(1 for row in taken if row.row.effect == EffectKind.CANCEL.value)
    direction = shop.settings.cancellation_sync.store_to_channel
    reasons = {one.key: one for one in reasons_for(desk, shop)}
    return show(
        request,
        "history_confirm.html",
        title="Apply these orders",
        page="history",
        status=200 if rows else 422,
        shop=shop,
        job=job,
        rows=rows,
        taken=taken,
        sums=sums(taken),
        cancels=cancels,
        reason=reasons.get(direction.default_reason or ""),
        default_reason=direction.default_reason or "",
        brake=direction.max_cancels_per_hour,
    )


async def apply(request: web.Request) -> web.Response:
    """Answered at once: each order's own answer is said on this page. Sending it again is harmless."""
    desk, form, shop_id = request.app[DESK], request[FORM], request.match_info["shop"]
    chosen = list(dict.fromkeys(one for one in form.all("order") if one))
    try:
        if not chosen:
            raise invalid("/order", "Choose at least one order.")
        asked = as_model({"job": form.text("job"), "orders": chosen}, Apply)
        done = await apply_chosen(desk, shop_id, asked, request[VISIT].who)
    except REFUSALS as error:
        return await _page(request, *told(error))
    shop, _ = await shop_and_store(desk, shop_id)
    known = {row.channel_order_id: row for row in await chosen_of(desk, shop_id, asked.job, asked.orders)}
    accepted = sum(one.state == "accepted" for one in done.orders)
    return show(
        request,
        "history_applied.html",
        title="Answers",
        page="history",
        shop=shop,
        job=asked.job,
        answers=[(one, known.get(one.order)) for one in done.orders],
        accepted=accepted,
        refused=len(done.orders) - accepted,
    )


# --- the dry run ------------------------------------------------------------------------------------------------------


async def show_dry_run(request: web.Request) -> web.Response:
    """What the shop's dry run would have done, order by order."""
    desk, shop_id = request.app[DESK], request.match_info["shop"]
    shop, _ = await shop_and_store(desk, shop_id)
    asked = read_query(request, Page)
    found, following = await desk.db.read(
        lambda conn: dry_run.page(conn, shop_id, cursor=asked.cursor, limit=asked.limit)
    )
    here = f"{PATH}/{shop_id}/dry-run"
    return show(
        request,
        "history_dry_run.html",
        title="What the dry run would have done",
        page="history",
        shop=shop,
        dry=found,
        first=here if asked.cursor else None,
        following=_at(here, {"cursor": following}) if following else None,
    )


ROUTES: Final = (
    PageRoute(
        "GET",
        PATH,
        to_a_shop(PATH, "History", "history"),
        "What the past of the first shop, or of the one chosen, would have caused",
    ),
    PageRoute("GET", PATH + "/{shop}", show_history, "A shop's run over its past, order by order, and its dry run"),
    PageRoute("POST", PATH + "/{shop}", start, "Begin a run over the last days; does nothing on either side"),
    PageRoute("GET", PATH + "/{shop}/apply", confirm, "What applying the chosen orders would do; does nothing"),
    PageRoute("POST", PATH + "/{shop}/apply", apply, "Settle the chosen orders now, and say what became of each"),
    PageRoute("GET", PATH + "/{shop}/dry-run", show_dry_run, "What a shop's dry run would have done"),
)
