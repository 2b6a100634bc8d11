"""Buyers' requests to cancel: shown while they wait, and answered by the store's refunds, a person or a rule. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bridge.domain.attention import AttentionKind, Hold, refused
from bridge.domain.books import Books
from bridge.domain.channel_order import Cancellation, CancellationStatus, ChannelOrder
from bridge.domain.effects import ApproveRequest, EffectKind, RejectRequest, Settlement, Verdict
from bridge.domain.link import Answer, Link
from bridge.domain.request_rules import Shipment, Shipped, first_match, look_again, may_act, shipment_of
from bridge.domain.settings import ShopSettings
from bridge.domain.store_order import StoreOrder
from bridge.domain.words import hours, units

WORKING_LOOK = timedelta(minutes=1)
_ASCENDING = (Shipped.NO, Shipped.UNKNOWN, Shipped.YES)
"""How likely the goods have left."""
Told = ApproveRequest | RejectRequest


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer is decided on."""

    channel: ChannelOrder
    store: StoreOrder | None
    link: Link
    settings: ShopSettings
    now: datetime
    cancels_last_hour: int = 0

    def shipment(self, request: Cancellation) -> Shipment:
        return shipment_of(request, self.channel, self.store, self.link, self.settings)


# --- showing them ---------------------------------------------------------------------------------------------------


def waiting(reading: Reading) -> tuple[Hold, ...]:
    """Buyer requests that wait: shown with their deadlines, the nearest first, as one thing to look at."""
    requests = reading.channel.requests()
    if not requests:
        return ()
    facts = {"requests": [_shown(request, reading.shipment(request)) for request in requests]}
    deadline = min((request.respond_by for request in requests if request.respond_by), default=None)
    because = "; ".join(f"{_asks(request)}; {reading.shipment(request).because}" for request in requests)
    return (Hold(AttentionKind.BUYER_REQUEST, because, facts, deadline_at=deadline),)


def _shown(request: Cancellation, shipment: Shipment) -> Mapping[str, Any]:
    """One request as people see it, and as their word is kept with. Nothing in it moves with time alone."""
    return {
        "cancellation": request.id,
        "units": sorted(request.unit_ids),
        "shipped": shipment.shipped.value,
        "respond_by": request.respond_by.isoformat() if request.respond_by else None,
    }


def _asks(request: Cancellation) -> str:
    deadline = f" before {request.respond_by:%Y-%m-%d %H:%M} UTC" if request.respond_by else ""
    why = request.reason_text or request.reason or "no reason given"
    return f"the buyer asks to cancel {units(len(request.unit_ids))} ({why}); TikTok expects an answer{deadline}"


def story(request: Cancellation, respond_by: datetime | None) -> str:
    """What became of a request so far, in words. `respond_by`: the deadline it had when it was last seen waiting."""
    what = f"the buyer's request {request.id}"
    if request.status == CancellationStatus.PENDING:
        return f"{_asks(request)} (request {request.id})"
    if request.status == CancellationStatus.CLOSED:
        return f"TikTok Shop shows {what} as closed, withdrawn or rejected: the order lives on"
    if respond_by is not None and request.updated_at >= respond_by:
        return f"{what} got no answer before its deadline: TikTok Shop approved it"
    return f"TikTok Shop shows {what} as approved"


# --- answering them -------------------------------------------------------------------------------------------------


def refunded(channel: ChannelOrder, books: Books, what: str) -> ApproveRequest | None:
    """A buyer's request whose every living unit the store has refunded is approved, not crossed by a cancel.

    Units under a return are covered; a unit that the order does not show cannot be checked, so nothing is approved.
    The store may have refunded more: the rest is settled afterwards, when the request is out of the way.
    """
    known = {unit.id for unit in channel.units}
    for request in channel.requests():
        asked = request.unit_ids & (books.living | books.living_unmapped)
        if asked and asked <= books.refunded and request.unit_ids <= known:
            because = f"{what}, among them every unit of the buyer's request {request.id}: the request is approved"
            return ApproveRequest(because=because, units=frozenset(asked), cancellation_id=request.id)
    return None


def refusal_key(kind: EffectKind, cancellation_id: str) -> str:
    """A refused answer stands for its own request only."""
    return f"{kind.value}:{cancellation_id}"


def stands(word: Answer, request: Cancellation, shipment: Shipment) -> bool:
    """Whether a person's word still fits: the same units; and for an approval, no more sign that the goods left."""
    if frozenset(word.units) != request.unit_ids:
        return False
    return word.decision == "reject" or _ASCENDING.index(shipment.shipped) <= _ASCENDING.index(Shipped(word.shipped))


def answered(reading: Reading, settlement: Settlement) -> Settlement:
    """The settlement with the buyers' requests that wait: answered one at a time, else shown.

    An effect that the books ask for comes first; they never ask for a cancel across a request.
    """
    requests = reading.channel.requests()
    if not requests:
        return settlement
    concerns = waiting(reading)
    if settlement.effect is not None:
        answers = settlement.effect.kind is EffectKind.APPROVE
        return settlement if answers else replace(settlement, holds=settlement.holds + concerns)
    if settlement.verdict is Verdict.SETTLED:
        because = f"{settlement.because}; a buyer's request waits for an answer"
        settlement = replace(settlement, verdict=Verdict.HELD, because=because, holds=settlement.holds + concerns)
    else:
        settlement = replace(settlement, holds=settlement.holds + concerns)
    may_answer = reading.channel.is_known and not reading.link.blocked
    for request in requests:
        found = _one(reading, request, settlement.verdict) if may_answer else None
        if found is not None and found.effect is not None:
            return found
        settlement = _with(settlement, found, look_again(request, reading.channel, reading.settings, reading.now))
    return settlement


def _with(settlement: Settlement, found: Settlement | None, look: datetime | None) -> Settlement:
    """What is to be said of one request that is not answered now, added to the rest."""
    times = [settlement.look_again_at, look, found.look_again_at if found else None]
    settlement = replace(settlement, look_again_at=min((time for time in times if time is not None), default=None))
    if found is None:
        return settlement
    verdict = Verdict.HELD if Verdict.HELD in {settlement.verdict, found.verdict} else found.verdict
    kinds = {hold.kind for hold in settlement.holds}
    holds = settlement.holds + tuple(hold for hold in found.holds if hold.kind not in kinds)
    return replace(settlement, verdict=verdict, because=f"{settlement.because}; {found.because}", holds=holds)


def _one(reading: Reading, request: Cancellation, verdict: Verdict) -> Settlement | None:
    """What to do about one request: an effect, or why its answer does not go out; None: a person has the word."""
    effect = _by_person(reading, request) or _by_rule(reading, request, verdict)
    if effect is None or isinstance(effect, Settlement):
        return effect
    working = [c.id for c in reading.channel.cancellations if _is_in_work(c) and c.unit_ids & request.unit_ids]
    if working:
        because = f"TikTok Shop is working on cancellation {min(working)} of these units: PENDING is not done"
        return Settlement(Verdict.WAITING, because, look_again_at=reading.now + WORKING_LOOK)
    refusal = reading.link.refusals.get(refusal_key(effect.kind, request.id))
    if refusal is not None:
        because = f"the answer to the buyer's request {request.id} was refused: {refusal.because}"
        facts = {"cancellation": request.id, "claim": refusal.claim}
        hold = replace(refused(AttentionKind.REQUEST_REFUSED, because, facts), deadline_at=request.respond_by)
        return Settlement(Verdict.HELD, because, holds=(hold,))
    if isinstance(effect, ApproveRequest):
        braked = _braked(reading, request)
        if braked is not None:
            return braked
    if reading.settings.dry_run:
        return Settlement(Verdict.WAITING, f"dry run: would answer the buyer. {effect.because}")
    age = hours(reading.now - reading.channel.created_at)
    because = f"{effect.because} (the order is {age} old, {_left(request, reading.now)})"
    return Settlement(Verdict.ACT, because, replace(effect, because=because))


def _is_in_work(cancellation: Cancellation) -> bool:
    return cancellation.status == CancellationStatus.PENDING and not cancellation.is_request


def _left(request: Cancellation, now: datetime) -> str:
    if request.respond_by is None:
        return "TikTok names no deadline"
    if request.respond_by <= now:
        return "TikTok's deadline has passed"
    return f"{hours(request.respond_by - now)} before TikTok's deadline"


def _braked(reading: Reading, request: Cancellation) -> Settlement | None:
    limit = reading.settings.cancellation_sync.store_to_channel.max_cancels_per_hour
    if reading.cancels_last_hour < limit or "brake" in reading.link.allowed:
        return None
    because = (
        f"the buyer's request {request.id} would be approved, but {reading.cancels_last_hour} orders of this shop were "
        f"cancelled in the last hour (limit {limit}): approvals are paused"
    )
    hold = Hold(AttentionKind.BRAKE, because, {"cancellation": request.id}, deadline_at=request.respond_by)
    return Settlement(Verdict.HELD, because, holds=(hold,))


def _by_person(reading: Reading, request: Cancellation) -> Told | None:
    word = reading.link.answers.get(request.id)
    if word is None or not stands(word, request, reading.shipment(request)):
        return None
    does = "approves" if word.decision == "approve" else "rejects"
    return _effect(reading, request, word, f"{word.who} {does} the buyer's request {request.id}")


def _by_rule(reading: Reading, request: Cancellation, verdict: Verdict) -> Told | Settlement | None:
    """Orders that are left alone are not ours to answer for; a person may."""
    if verdict is Verdict.IGNORED or not may_act(request, reading.settings, reading.now):
        return None
    rules = reading.settings.cancellation_sync.buyer_requests.rules
    match = first_match(request, reading.channel, reading.shipment(request), rules, reading.now)
    if match is None:
        return None
    rule = match.rule
    if rule.decision == "hold":
        because = f"rule “{rule.name}” leaves the buyer's request {request.id} to a person ({match.because})"
        return Settlement(verdict, because)
    does = "approves" if rule.decision == "approve" else "rejects"
    because = f"rule “{rule.name}” {does} the buyer's request {request.id}: {match.because}"
    return _effect(reading, request, Answer(rule.decision, rule.reject_reason or "", rule.comment), because)


def _effect(reading: Reading, request: Cancellation, answer: Answer, because: str) -> Told | None:
    asked = request.unit_ids & {unit.id for unit in reading.channel.living}
    if not asked:
        return None
    if answer.decision == "approve":
        return ApproveRequest(because=because, units=frozenset(asked), cancellation_id=request.id)
    return RejectRequest(
        because=f"{because}; reason {answer.reason}",
        units=frozenset(asked),
        cancellation_id=request.id,
        reason=answer.reason,
        comment=answer.comment,
    )


def not_listed(reading: Reading, effect: RejectRequest, listed: Sequence[str]) -> Settlement:
    """The channel does not list the reason that a person or a rule gives: nothing is sent, and the request waits on."""
    because = (
        f"{effect.because}; but TikTok does not list this reason for the request now; it lists "
        f"{', '.join(listed) or 'none'}"
    )
    facts = {"cancellation": effect.cancellation_id, "reason": effect.reason, "listed": list(listed)}
    request = next(request for request in reading.channel.requests() if request.id == effect.cancellation_id)
    hold = Hold(AttentionKind.REQUEST_REFUSED, because, facts, deadline_at=request.respond_by)
    look = look_again(request, reading.channel, reading.settings, reading.now)
    return Settlement(Verdict.HELD, because, holds=(hold, *waiting(reading)), look_again_at=look)


def note_on_rejecting(region: str) -> str:
    """What a seller should know before rejecting, by market; empty where there is nothing to know.

    Source: Partner Center's changelog for the US, before 2024-03-31, and its page on cancellations.
    """
    if region.upper() != "US":
        return ""
    return (
        "In the US, shipping the package rejects a waiting request by itself, and TikTok told developers to stop "
        "calling Reject: it may refuse this. If it does, the refusal is shown with TikTok's words."
    )


def lapsed(reading: Reading) -> Mapping[str, str]:
    """Words of people that have nothing left to say: cancellation → why, empty where it came as they wanted."""
    found: dict[str, str] = {}
    requests = {request.id: request for request in reading.channel.cancellations}
    for cancellation, word in reading.link.answers.items():
        request = requests.get(cancellation)
        because = _why_lapsed(reading, request, word)
        if because is not None:
            found[cancellation] = because and (
                f"{word.who}'s word to {word.decision} the buyer's request {cancellation} lapsed: {because}"
            )
    return found


def _why_lapsed(reading: Reading, request: Cancellation | None, word: Answer) -> str | None:
    """None while the word still counts."""
    if request is None:
        return "TikTok Shop does not show the request any more"
    if request.is_dead:
        return "" if word.decision == "approve" else "it is approved already"
    if request.status == CancellationStatus.CLOSED:
        return "" if word.decision == "reject" else "the request was withdrawn, or rejected by somebody else"
    if not request.is_request:
        return f"the request is {request.status} now"
    if not stands(word, request, reading.shipment(request)):
        return f"it was given on other facts; now: {reading.shipment(request).because}"
    return "nothing is sent in a dry run, nor kept for later" if reading.settings.dry_run else None
