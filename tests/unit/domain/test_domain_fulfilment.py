"""The store's fulfilment is held while a buyer's request waits, where that is wanted, and let go once none does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.attention import AttentionKind
from bridge.domain.effects import EffectKind, HoldFulfilment, RefundOrder, ReleaseFulfilment, Settlement
from bridge.domain.link import Refusal
from bridge.domain.requests import refusal_key
from bridge.domain.settings import BuyerRequests, ShopSettings
from bridge.domain.store_order import FulfilmentHold, StoreOrder
from tests.unit.domain.making import CLOSED, COMPLETE, PENDING, able, channel, decide, link, request, settings, store

OURS = FulfilmentHold("71", "5")
CAN = able(holds_fulfilment=True)


def wanting(*, on: bool = True, dry: bool = False) -> ShopSettings:
    base = settings(dry_run=dry)
    sync = base.cancellation_sync.model_copy(update={"buyer_requests": BuyerRequests(hold_fulfilment=on)})
    return base.model_copy(update={"cancellation_sync": sync})


def at_store(*, held: bool = False, can_hold: bool | None = None) -> StoreOrder:
    return replace(store(), holds=(OURS,) if held else (), can_hold=not held if can_hold is None else can_hold)


def asked(status: str = PENDING) -> Settlement:
    return decide(
        channel(cancellations=[request("r", ["1"], status=status)]), at_store(), settings=wanting(), capabilities=CAN
    )


def test_a_request_that_waits_holds_the_parcel_and_says_so_until_it_is_decided() -> None:
    effect = asked().effect
    assert isinstance(effect, HoldFulfilment)
    assert effect.cancellation_id == "r"
    waiting = channel(cancellations=[request("r", ["1"])])
    after = decide(waiting, at_store(held=True), settings=wanting(), capabilities=CAN)
    assert after.effect is None
    assert "is held until it is decided" in after.because
    assert [hold.kind for hold in after.holds] == [AttentionKind.BUYER_REQUEST]


@pytest.mark.parametrize("on", [True, False])
def test_once_it_is_rejected_or_withdrawn_only_our_own_hold_is_released(on: bool) -> None:
    over = channel(cancellations=[request("r", ["1"], status=CLOSED)])
    effect = decide(over, at_store(held=True), settings=wanting(on=on), capabilities=able()).effect
    assert isinstance(effect, ReleaseFulfilment)
    assert effect.holds == {OURS.id}
    assert decide(over, at_store(), settings=wanting(on=on), capabilities=CAN).effect is None


def test_approved_it_is_released_before_anything_is_cancelled() -> None:
    gone = channel(cancellations=[request("r", ["1", "2"], status=COMPLETE)], status="CANCELLED")
    assert isinstance(decide(gone, at_store(held=True), settings=wanting(), capabilities=CAN).effect, ReleaseFulfilment)
    assert isinstance(decide(gone, at_store(), settings=wanting(), capabilities=CAN).effect, RefundOrder)


def test_a_release_that_is_refused_keeps_no_cancel_waiting_and_a_person_is_asked() -> None:
    refusals = {refusal_key(EffectKind.RELEASE, OURS.id): Refusal("clm", "not allowed")}
    over = channel(cancellations=[request("r", ["1"], status=CLOSED)])
    found = decide(over, at_store(held=True), settings=wanting(), capabilities=CAN, link=link(refusals=refusals))
    assert [hold.kind for hold in found.holds] == [AttentionKind.STORE_ORDER_ON_HOLD]
    gone = channel(cancellations=[request("r", ["1", "2"], status=COMPLETE)], status="CANCELLED")
    found = decide(gone, at_store(held=True), settings=wanting(), capabilities=CAN, link=link(refusals=refusals))
    assert isinstance(found.effect, RefundOrder)
    assert AttentionKind.STORE_ORDER_ON_HOLD in {hold.kind for hold in found.holds}


@given(
    on=st.booleans(),
    dry=st.booleans(),
    can=st.booleans(),
    can_hold=st.booleans(),
    held=st.booleans(),
    blocked=st.booleans(),
    refused=st.booleans(),
    status=st.sampled_from([PENDING, CLOSED, COMPLETE, "SOMETHING_NEW"]),
)
def test_it_is_held_only_while_something_waits_and_never_twice_and_let_go_only_when_nothing_does(
    *, on: bool, dry: bool, can: bool, can_hold: bool, held: bool, blocked: bool, refused: bool, status: str
) -> None:
    refusals = {refusal_key(EffectKind.HOLD, "r"): Refusal("clm", "no")} if refused else {}
    tied = link(refusals=refusals, blocked="a person settles it" if blocked else "")
    effect = decide(
        channel(cancellations=[request("r", ["1"], status=status)]),
        at_store(held=held, can_hold=can_hold),
        settings=wanting(on=on, dry=dry),
        capabilities=able(holds_fulfilment=can),
        link=tied,
    ).effect
    quiet = dry or blocked or status == "SOMETHING_NEW"
    holds = on and can and can_hold and status == PENDING and not refused and not quiet
    assert isinstance(effect, HoldFulfilment) == holds
    assert isinstance(effect, ReleaseFulfilment) == (held and status != PENDING and not quiet)
    if isinstance(effect, ReleaseFulfilment):
        assert effect.holds == {OURS.id}
