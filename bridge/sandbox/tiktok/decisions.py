"""The seller answers a buyer's request: approve, reject, and what may be answered.

Sources: Partner Center endpoint pages Approve Cancellation, Reject Cancellation, Get Reject Reasons (their error
lists); Get Decision Eligibility 202601 by its published answer. `idempotency_key` is a query parameter of at most
255 characters; what a key used for another request is answered with is not published.
"""

from __future__ import annotations

import json

from bridge.sandbox.tiktok import cancelling
from bridge.sandbox.tiktok.calls import Call, Field
from bridge.sandbox.tiktok.errors import Json, Refusal, bad_parameter, missing_parameter
from bridge.sandbox.tiktok.model import CLOSED, COMPLETE, SUCCESS, Cancellation
from bridge.sandbox.tiktok.reasons import reject_reasons, table, text_of
from bridge.sandbox.tiktok.sandbox import TikTokSandbox

REJECT_BODY = {
    "reject_reason": Field("str", required=True),
    "comment": Field("str"),
    "images": Field(
        "objects",
        inside={
            "image_id": Field("str", required=True),
            "mime_type": Field("str"),
            "height": Field("int"),
            "width": Field("int"),
        },
    ),
}
DECISIONS = ("APPROVE_REQUEST_CANCEL", "REJECT_REQUEST_CANCEL")
_GONE = frozenset({"IN_TRANSIT", "DELIVERED", "COMPLETED"})


async def approve(box: TikTokSandbox, call: Call) -> Json:
    if (before := _seen(box, call)) is not None:
        return before
    cancellation = _find(box, call, call.path["cancel_id"])
    if (problem := why_not_approve(cancellation)) is not None:
        raise problem
    cancellation.order.effects["approve_calls"] += 1
    cancelling.accept(box, cancellation)
    return _remember(box, call)


async def reject(box: TikTokSandbox, call: Call) -> Json:
    if (before := _seen(box, call)) is not None:
        return before
    cancellation = _find(box, call, call.path["cancel_id"])
    if (problem := why_not_reject(cancellation)) is not None:
        raise problem
    if call.shop.facts.market == "US" and not box.settings.us_takes_reject:
        # Developers were told to stop calling it before 2024-03-31; which code answers is not published.
        raise Refusal(25020004, "the decision does not match the request type")
    reason = call.body["reject_reason"]
    if reason not in reject_reasons(call.shop.facts.market):
        elsewhere = any(reason in sections.get("reject", []) for sections in table().values())
        raise Refusal(25001016 if elsewhere else 25001014, "the reject reason can not be used")
    cancellation.order.effects["reject_calls"] += 1
    cancelling.close(box, cancellation)
    return _remember(box, call)


async def reasons(box: TikTokSandbox, call: Call) -> Json:
    wanted = call.query.get("return_or_cancel_id")
    if not wanted:
        raise missing_parameter("query.return_or_cancel_id")
    if wanted not in box.returns:
        _find(box, call, wanted)
    return {"reasons": _named_reasons(call)}


async def eligibility(box: TikTokSandbox, call: Call) -> Json:
    wanted = call.query.get("return_or_cancel_id")
    if not wanted:
        raise missing_parameter("query.return_or_cancel_id")
    cancellation = _find(box, call, wanted)
    asked = [name for name in call.query.get("check_decisions", ",".join(DECISIONS)).split(",") if name]
    if unknown := [name for name in asked if name not in DECISIONS]:
        raise bad_parameter(f"query.check_decisions: {unknown[0]}")
    rows: list[Json] = []
    for name in asked:
        problem = why_not_approve(cancellation) if name == DECISIONS[0] else why_not_reject(cancellation)
        row: Json = {"decision": name, "eligible": problem is None}
        if problem is not None:
            row |= {"ineligible_code": problem.code, "ineligible_reason": problem.message}
        elif name == DECISIONS[1]:
            row["available_reject_reasons"] = _named_reasons(call)
        rows.append(row)
    return {"decisions": rows}


def why_not_approve(cancellation: Cancellation) -> Refusal | None:
    if cancellation.status in {SUCCESS, COMPLETE}:
        return Refusal(25020009, "the order is already cancelled")
    if cancellation.status == CLOSED:
        return Refusal(25011012, "the request can not be approved in this state")
    if cancellation.type != "BUYER_CANCEL":
        return Refusal(25020004, "the decision does not match the request type")
    if cancellation.order.status in _GONE:
        return Refusal(25001045, "the order has been shipped, the courier can not cancel")
    return None


def why_not_reject(cancellation: Cancellation) -> Refusal | None:
    if cancellation.status in {SUCCESS, COMPLETE}:
        return Refusal(25020010, "the request is already approved")
    if cancellation.status == CLOSED:
        return Refusal(25011011, "the request can not be rejected in this state")
    if cancellation.type != "BUYER_CANCEL":
        return Refusal(25020004, "the decision does not match the request type")
    return None


def _named_reasons(call: Call) -> list[Json]:
    return [{"name": key, "text": text_of(key)} for key in reject_reasons(call.shop.facts.market)]


def _find(box: TikTokSandbox, call: Call, cancel_id: str) -> Cancellation:
    found = box.cancellations.get(cancel_id)
    if found is None or found.order.shop.id != call.shop.id:
        raise Refusal(25007002, f"cancellation not found: {cancel_id}")
    return found


def _fingerprint(call: Call) -> str:
    return json.dumps([call.shop.id, call.raw_path, call.body], sort_keys=True)


def _seen(box: TikTokSandbox, call: Call) -> Json | None:
    """The first answer to the same key and request; a refused request leaves its key free."""
    key = call.query.get("idempotency_key")
    if key is None:
        return None
    if len(key) > 255:
        raise bad_parameter("query.idempotency_key is longer than 255 characters")
    found = box.idempotent.get(key)
    if found is None:
        return None
    if found[0] != _fingerprint(call):
        raise bad_parameter("query.idempotency_key was used for another request")
    return found[1]


def _remember(box: TikTokSandbox, call: Call) -> Json:
    answer: Json = {}
    if key := call.query.get("idempotency_key"):
        box.idempotent[key] = (_fingerprint(call), answer)
    return answer
