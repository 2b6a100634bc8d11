"""The envelope of every answer and the numbers TikTok gives its refusals.

Sources: Partner Center "Common errors", and the error lists of the endpoint pages (Cancel Order, Approve
Cancellation, Reject Cancellation, Search Cancellations). A refusal may come with HTTP 200: the `code` decides.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class Refusal(Exception):
    """An answer with a code other than 0.

    `status` is the HTTP status it travels with; the sandbox can be told to send all of them with 200.
    """

    def __init__(self, code: int, message: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}


def envelope(data: Json | None, request_id: str, code: int = 0, message: str = "Success") -> Json:
    return {"code": code, "message": message, "request_id": request_id, "data": data}


def bad_parameter(detail: str) -> Refusal:
    """36009004 stands for nearly everything wrong in a request; the message says what."""
    return Refusal(36009004, f"Invalid parameter: {detail}", 400)


def missing_parameter(where: str) -> Refusal:
    return Refusal(36009004, f"param {where} is missing", 400)


def unknown_order(order_id: str) -> Refusal:
    return Refusal(25007006, f"order not found: {order_id}")
