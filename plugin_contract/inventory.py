"""The plugin's stock headers on Magento's own REST calls (from 1.0.16; measured on 1.0.17 to 1.0.26).

Magento takes no stock for an order made by REST. The request header makes the plugin reserve it, on **every** call
that saves an order: sent by mistake with a refund, shipment, comment or update it reserves the whole order again. So
it belongs on one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field, ValidationError

from plugin_contract.fields import ContractError, Message, header

REQUEST_HEADER = "as-inventory-behaviour"
RESULT_HEADER = "X-AS-Inventory-Reservation-Result"
DECREMENT = "decrement"
"""The exact value: `Decrement` and `x, decrement` do nothing."""


class UnreadableResult(ContractError):
    """The result header is there and is not the JSON object it should be. Treat the reservation as unknown."""


class Call(StrEnum):
    """The REST calls that save an order."""

    CREATE = "create"  # POST /V1/orders
    INVOICE = "invoice"  # POST /V1/order/:id/invoice
    SHIP = "ship"
    COMMENT = "comment"
    REFUND = "refund"
    CANCEL = "cancel"
    UPDATE = "update"


class Outcome(StrEnum):
    """What the plugin says it did; `unknown` for a word this contract does not know."""

    SUCCESS = "success"
    FAILED = "failed"  # the call still answers 200 and the order exists, unreserved
    NOT_EXECUTED = "not_executed"
    UNKNOWN = "unknown"


class ReservationResult(Message):
    """The result header's JSON, sent from 1.0.21. It speaks of the call it answers: what a later invoice, shipment or
    refund says (`not_executed`) is nothing about the creation.
    """

    order_id: str | None = Field(default=None, description="Increment id; null when an existing order was saved.")
    status: str = Field(description="success, failed or not_executed; kept as it came.")
    method: str = Field(default="", description="sendSalesEvent (MSI), updateStockItemQty, or empty.")
    message: str = Field(default="", description="OK, or why it failed.")

    @property
    def outcome(self) -> Outcome:
        """The status as a member."""
        return Outcome(self.status) if self.status in set(Outcome) else Outcome.UNKNOWN

    @property
    def reserved(self) -> bool | None:
        """Whether this call reserved the stock; None when the status is not known."""
        return {Outcome.SUCCESS: True, Outcome.FAILED: False, Outcome.NOT_EXECUTED: False}.get(self.outcome)


def request_headers(call: Call, *, known_unreserved: bool = False) -> dict[str, str]:
    """The stock header this call must carry, if any.

    The create carries it. The invoice does for an order whose creation is known (by the result header) to have
    reserved nothing: a create cannot be repeated, and the invoice is the one later call that can repair it. No other
    call ever does.
    """
    if call is Call.CREATE or (call is Call.INVOICE and known_unreserved):
        return {REQUEST_HEADER: DECREMENT}
    return {}


def read_result(headers: Mapping[str, str]) -> ReservationResult | None:
    """The result of the call these response headers answer; None when absent (plugin missing or before 1.0.21).

    Raises UnreadableResult.
    """
    value = header(headers, RESULT_HEADER)
    if value is None:
        return None
    try:
        return ReservationResult.model_validate_json(value)
    except (ValidationError, RecursionError) as error:
        raise UnreadableResult(f"{RESULT_HEADER} is not the JSON object it should be") from error
