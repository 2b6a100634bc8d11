"""Deliveries as the plugin and TikTok Shop send them, signed, as the bytes of a whole HTTP request."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Make = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Senders:
    """Where to deliver, and the secrets that sign."""

    store_id: str
    consumer_key: str
    app_key: str
    app_secret: str
    channel_shop_id: str

    def memo(self, memo_id: str) -> bytes:
        """`creditmemos/update`: github.com/AfterShip/tiktok-shop, Helper/WebhookHelper.php."""
        body = json.dumps({"id": memo_id}, separators=(",", ":")).encode()
        signature = hmac.new(self.consumer_key.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-Webhook-Topic": "creditmemos/update",
            "X-Magento-Hmac-Sha256": signature,
            "X-App-Key": self.store_id,
        }
        return _post(f"/hooks/magento/{self.store_id}", headers, body)

    def message(self, event: str, number: int, message_id: str, data: dict[str, object]) -> bytes:
        """A message of TikTok Shop: Partner Center, "TikTok Shop webhooks"."""
        body = json.dumps(
            {
                "type": number,
                "tts_notification_id": message_id,
                "shop_id": self.channel_shop_id,
                "timestamp": 1760000000,
                "data": data,
            },
            separators=(",", ":"),
        ).encode()
        signature = hmac.new(self.app_secret.encode(), self.app_key.encode() + body, hashlib.sha256).hexdigest()
        return _post(f"/hooks/tiktok/{self.app_key}/{event}", {"Authorization": signature}, body)

    def paid(self, order_id: str, message_id: str) -> bytes:
        data: dict[str, object] = {"order_id": order_id, "order_status": "AWAITING_SHIPMENT", "update_time": 1760000000}
        return self.message("order-status-change", 1, message_id, data)

    def cancelled(self, order_id: str, message_id: str) -> bytes:
        data: dict[str, object] = {
            "order_id": order_id,
            "cancel_id": f"4{order_id[1:]}",
            "cancel_status": "CANCELLATION_REQUEST_COMPLETE",
            "cancellations_role": "BUYER",
            "update_time": 1760000000,
        }
        return self.message("cancellation-status-change", 11, message_id, data)


def _post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Numbers:
    """Ids never used before in this run: no delivery is a repeat of an earlier one."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def unknown_memos(self, senders: Senders, how_many: int) -> Iterator[bytes]:
        """Credit memos the store does not have."""
        for _ in range(how_many):
            yield senders.memo(str(5_000_000 + next(self._numbers)))

    def unknown_orders(self, senders: Senders, how_many: int) -> Iterator[bytes]:
        """Orders that TikTok Shop does not show."""
        for _ in range(how_many):
            number = next(self._numbers)
            yield senders.paid(str(576_460_000_000_000_000 + number), str(7_000_000_000_000_000_000 + number))


def packed(requests: Iterator[bytes]) -> bytes:
    """As `load.py` reads them."""
    return b"".join(len(request).to_bytes(4, "big") + request for request in requests)
