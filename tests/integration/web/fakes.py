"""The other side of every port, hand-written: they keep a record of what was asked, and fail when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.domain.alerting import Message
from bridge.domain.capabilities import StoreCapabilities
from bridge.domain.link import Answer
from bridge.domain.outcomes import Done, Outcome, RemoteProblem
from bridge.ports import (
    ActionRefused,
    Announced,
    Applied,
    Channel,
    Connected,
    Examined,
    Finding,
    FoundShop,
    Known,
    NewTarget,
    ReasonNotListed,
    RejectReason,
    RestoreReport,
    Settled,
    Store,
    TestDelivery,
    Wanted,
)


class FakeClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def pass_time(self, **how: float) -> None:
        self.at += timedelta(**how)


@dataclass
class FakeConnector:
    """`url` must be https; `credentials` need every name in `needs`."""

    kind: str
    needs: tuple[str, ...]
    shops: tuple[FoundShop, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = (Finding("ok", "proven", "The credentials work."),)
    problem: RemoteProblem | None = None
    turned: Mapping[str, Any] = field(default_factory=dict)
    """What connecting puts in place of some credentials."""
    asked: list[tuple[str, str, dict[str, Any], str]] = field(default_factory=list)
    gate: asyncio.Event | None = None

    def normalise(self, url: str | None) -> str:
        if url is None and self.kind == "tiktok":
            return "https://api.tiktok.test"
        if not url or not url.startswith("https://"):
            raise ValueError("the address must look like https://shop.example")
        return url.rstrip("/").lower()

    def check(self, credentials: Mapping[str, Any]) -> Mapping[str, Any]:
        missing = [name for name in self.needs if not credentials.get(name)]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing; see System › Integrations")
        return {name: str(value).strip() for name, value in credentials.items()}

    def hook_urls(self, public_url: str, connection_id: str, credentials: Mapping[str, Any]) -> tuple[str, ...]:
        tail = connection_id if self.kind != "tiktok" else f"{credentials['app_key']}/order-status-change"
        return (f"{public_url}/hooks/{self.kind}/{tail}",)

    async def connect(self, connection_id: str, url: str, credentials: Mapping[str, Any], public_url: str) -> Connected:
        self.asked.append((connection_id, url, dict(credentials), public_url))
        if self.gate is not None:
            await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        return Connected({**credentials, **self.turned}, self.facts, self.shops, self.findings)

    async def examine(
        self,
        connection_id: str,
        url: str,
        credentials: Mapping[str, Any],
        public_url: str,
        *,
        mend: bool,
        known: Known,
    ) -> Examined:
        try:
            connected = await self.connect(connection_id, url, credentials, public_url)
        except RemoteProblem as problem:
            broken = Finding("error", "not_authorized", problem.outcome.because)
            kept = Connected({**credentials, **self.turned}) if self.turned else None
            return Examined((broken,), kept, problem)
        return Examined(self.findings, connected, clock_offset=0.0)

    async def clock_offset(self, url: str) -> float | None:
        return None

    def test_delivery(
        self, connection_id: str, credentials: Mapping[str, Any], public_url: str, mark: str
    ) -> TestDelivery | None:
        return None


@dataclass
class FakeHandshake:
    problem: RemoteProblem | None = None
    asked: list[Announced] = field(default_factory=list)
    gate: asyncio.Event | None = None

    def read_callback(self, form: Mapping[str, str]) -> Announced:
        names = ("store_base_url", "oauth_consumer_key", "oauth_consumer_secret", "oauth_verifier")
        missing = [name for name in names if not form.get(name)]
        if missing:
            raise ValueError(f"the callback lacks {', '.join(missing)}")
        return Announced(*(form[name] for name in names))

    async def exchange(self, announced: Announced) -> Mapping[str, Any]:
        self.asked.append(announced)
        if self.gate is not None:
            await self.gate.wait()
        if self.problem is not None:
            raise self.problem
        return {
            "consumer_key": announced.consumer_key,
            "consumer_secret": announced.consumer_secret,
            "access_token": "at-from-exchange",
            "access_token_secret": "ats-from-exchange",
        }


@dataclass
class FakeAuthorization:
    problem: RemoteProblem | None = None
    lacks: str = ""
    """What keeps a seller from being sent to the consent page."""
    codes: list[str] = field(default_factory=list)

    def authorize_url(self, credentials: Mapping[str, Any], state: str) -> str:
        if self.lacks:
            raise ValueError(self.lacks)
        return f"https://services.tiktok.test/open/authorize?service_id={credentials['service_id']}&state={state}"

    async def exchange(self, credentials: Mapping[str, Any], code: str) -> Mapping[str, Any]:
        self.codes.append(code)
        if self.problem is not None:
            raise self.problem
        return {
            **credentials,
            "access_token": f"access-{code}",
            "refresh_token": f"refresh-{code}",
            "access_expires_at": "2026-03-08T12:00:00+00:00",
        }


class FakeStore:
    """Only what the web side asks of a store."""

    def __init__(self, reported: str | None, *, holds: bool = False) -> None:
        self.reported = reported
        self.holds = holds

    async def capabilities(self) -> StoreCapabilities:
        return StoreCapabilities(
            reported=self.reported,
            restock_allowed=True,
            restock_because="it is new enough",
            refunds_work=True,
            refunds_because="",
            creditmemo_events=True,
            reservation_result=True,
            reserves_on_create=True,
            holds_fulfilment=self.holds,
            holds_because="the app lacks a scope",
        )


@dataclass
class FakeGateways:
    reported: str | None = "1.0.26"
    holds: bool = False
    problem: RemoteProblem | None = None

    async def channel(self, shop_id: str) -> Channel:
        raise AssertionError("the web side asks nothing of a channel")

    async def store(self, connection_id: str) -> Store:
        if self.problem is not None:
            raise self.problem
        return FakeStore(self.reported, holds=self.holds)  # type: ignore[return-value] # the web side asks for nothing else


@dataclass
class FakeSender:
    """Takes any address with a dot; `outcome` is what each message comes to."""

    outcome: Outcome = field(default_factory=lambda: Done("202"))
    sent: list[tuple[str, Message]] = field(default_factory=list)

    def check(self, address: str, secret: str | None) -> NewTarget:
        if "." not in address:
            raise ValueError("the address must look like https://hooks.example")
        return NewTarget(address, {"secret": secret or "whsec_made"}, once=None if secret else "whsec_made")

    async def send(self, address: str, secrets: Mapping[str, Any], message: Message) -> Outcome:
        self.sent.append((address, message))
        return self.outcome


@dataclass
class FakeActions:
    refuse: str = ""
    settled: list[tuple[str, frozenset[str], str]] = field(default_factory=list)
    released: list[tuple[str, datetime | None]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    linked: list[tuple[str, str, str]] = field(default_factory=list)
    swept: list[tuple[str | None, datetime | None, str]] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    looked_back: list[tuple[str, int, tuple[str, ...], str]] = field(default_factory=list)
    applied: list[tuple[str, str, tuple[str, ...], str]] = field(default_factory=list)
    apply_answers: dict[str, Applied] = field(default_factory=dict)
    woken: int = 0
    answered: list[tuple[str, Mapping[str, Any], Answer]] = field(default_factory=list)
    listed: tuple[RejectReason, ...] = (RejectReason("packed", "Packed already"),)

    async def answer(self, order_id: str, shown: Mapping[str, Any], answer: Answer) -> str:
        self._maybe_refuse()
        if answer.decision == "reject" and answer.reason not in {reason.key for reason in self.listed}:
            raise ReasonNotListed(answer.reason, self.listed)
        self.answered.append((order_id, shown, answer))
        return "So much about it." if answer.decision == "reject" else ""

    async def reject_reasons(self, order_id: str, cancellation: str) -> tuple[RejectReason, ...]:
        self._maybe_refuse()
        return self.listed

    async def settle(self, order_id: str, allow: frozenset[str], who: str) -> None:
        self._maybe_refuse()
        self.settled.append((order_id, allow, who))

    async def cancel_lines(self, order_id: str, who: str) -> tuple[str, ...]:
        self._maybe_refuse()
        self.lines.append((order_id, who))
        return ("11", "12")

    def wake(self) -> None:
        self.woken += 1

    async def release_brake(self, shop_id: str, who: str, since: str, until: datetime | None = None) -> int:
        self._maybe_refuse()
        self.settled.append((shop_id, frozenset({"brake"}), who))
        self.released.append((since, until))
        return 7

    async def settle_all(self, wanted: Wanted, allow: frozenset[str], who: str) -> Settled:
        self._maybe_refuse()
        self.settled.append((wanted.kind, allow, who))
        return Settled(settled=3, skipped=1, left=0)

    async def link(self, order_id: str, store_order: str, who: str) -> None:
        self._maybe_refuse()
        self.linked.append((order_id, store_order, who))

    async def sweep(self, connection_id: str | None, since: datetime | None, who: str) -> str:
        self._maybe_refuse()
        self.swept.append((connection_id, since, who))
        return "job_1"

    async def history(self, shop_id: str, days: int, directions: Sequence[str], who: str) -> str:
        self._maybe_refuse()
        self.looked_back.append((shop_id, days, tuple(directions), who))
        return "job_2"

    async def apply_history(self, shop_id: str, job_id: str, order_ids: Sequence[str], who: str) -> tuple[Applied, ...]:
        self._maybe_refuse()
        self.applied.append((shop_id, job_id, tuple(order_ids), who))
        taken = {order_id: Applied(order_id, is_taken=True, says="looked at") for order_id in order_ids}
        return tuple(self.apply_answers.get(order_id, answer) for order_id, answer in taken.items())

    async def reauthorized(self, connection_id: str) -> None:
        self.mended.append(connection_id)

    def _maybe_refuse(self) -> None:
        if self.refuse:
            raise ActionRefused(self.refuse)


@dataclass
class FakeRestoreChecks:
    """The real ones are tested with the core."""

    async def begin(self, since: datetime | None, who: str) -> RestoreReport:
        return RestoreReport("sweeping", paused=True, who=who, began_at=since)

    async def report(self) -> RestoreReport:
        return RestoreReport()

    async def resume(self, who: str, *, force: bool) -> RestoreReport:
        if not force:
            raise ActionRefused("effects are not paused: there is nothing to resume")
        return RestoreReport("resumed", who=who)


def reasons(region: str) -> list[dict[str, Any]]:
    table: Mapping[str, Sequence[str]] = {"US": ("out_of_stock", "price_error"), "GB": ("out_of_stock_uk",)}
    return [
        {
            "key": key,
            "text": key.replace("_", " "),
            "seller_fault": True,
            "statuses": frozenset({"AWAITING_SHIPMENT"}),
            "cancels_lines": "out_of_stock" in key,
        }
        for key in table.get(region, ())
    ]
