"""The demo's story in steps. Each acts as a buyer or a merchant would, waits, tells and checks what came."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.cli.demo.elsewhere import PLACES, PRICE, SKU, Place, tie
from bridge.cli.demo.stage import JsonObject, Sandbox, Stage
from bridge.cli.demo.teller import Teller
from bridge.cli.failing import Failed

MUG, POSTER = "MUG-BLUE", "POSTER-A2"
KILL_POINT = "refund.answered"
"""The store has booked the refund and said so; nothing of it is written down yet."""
OLD_PLUGIN, PLUGIN = "1.0.19", "1.0.26"


@dataclass(frozen=True, slots=True)
class Scene:
    stage: Stage
    teller: Teller

    def place(self, *lines: JsonObject) -> str:
        """A buyer orders on TikTok Shop; the order's id there."""
        body = {"shop_id": self.stage.channel_shop, "lines": list(lines), "shipping_fee": "4.00"}
        placed = self.stage.tiktok.control("POST", "orders", body)
        return str((placed.get("order") or placed)["id"])

    def imported(self, order_id: str) -> JsonObject:
        return self.settled(order_id, "it is in Magento with an invoice", _is_imported)

    def closed(self, order_id: str, seconds: float = 15.0) -> JsonObject:
        return self.settled(order_id, "both sides say cancelled", _is_closed, seconds)

    def settled(
        self, order_id: str, what: str, fits: Callable[[JsonObject], bool], seconds: float = 15.0
    ) -> JsonObject:
        """Wait until the bridge's order is so. Raises `Failed` with the order's story."""
        last: JsonObject | None = None

        def look() -> JsonObject | None:
            nonlocal last
            last = self.stage.order(order_id)
            return last if last is not None and fits(last) else None

        try:
            with self.teller.waiting(f"until {what}"):
                found = self.stage.until(look, what, seconds)
        except Failed as problem:
            told = [f"{entry['event']}: {entry['because']}" for entry in (last or {}).get("changelog", ())]
            now = f"{last['state']}: {last['because']}" if last else "the bridge does not know the order"
            log = self.stage.service.tail() if self.stage.service else ""
            raise Failed("\n  ".join([f"{problem}; order {order_id} is {now}", *told, log])) from None
        assert found is not None
        self.teller.changelog(found)
        return found

    def buyer_cancels(self, order_id: str, lines: list[str] | None = None) -> None:
        """The buyer asks, the seller agrees in Seller Center: TikTok Shop's cancellation is then complete."""
        asked = {"role": "BUYER"} | ({"lines": lines} if lines else {})
        answer = self.stage.tiktok.control("POST", f"orders/{order_id}/cancel", asked)
        cancellation = _cancellation(answer, self.stage.channel_order(order_id))
        if cancellation["cancel_status"].endswith("REQUEST_PENDING"):
            self.stage.tiktok.control("POST", f"cancellations/{cancellation['cancel_id']}/accept")

    def asked(self, order_id: str, kind: str) -> JsonObject:
        """What a person is asked about an order. Of the buyer's request it is asked too, until that is answered."""

        def look() -> list[JsonObject]:
            known = self.stage.order(order_id)
            asked = self.stage.api.get(f"/api/v1/attention?state=open&kind={kind}")["items"]
            return [one for one in asked if known is not None and one["order"] == known["id"]]

        with self.teller.waiting("until a person is asked"):
            [found] = self.stage.until(look, f"{kind} is asked about order {order_id}")
        return found

    def memos(self, order_id: str) -> list[Any]:
        return list(self.stage.store_order(order_id)["credit_memos"])

    def is_cancelled(self, order_id: str) -> None:
        status = _status(self.stage.channel_order(order_id))
        self.teller.check("TikTok Shop shows the order as cancelled", holds=status == "CANCELLED", found=status)

    def has_memos(self, order_id: str, count: int = 1) -> None:
        memos = self.memos(order_id)
        words = f"Magento has exactly {count} credit memo of it"
        self.teller.check(words, holds=len(memos) == count, found=f"{len(memos)} credit memos: {memos}")

    def stock(self, sku: str, words: str, before: float, expected: float) -> None:
        now = self.stage.salable(sku)
        text = f"{sku}: {before:g} salable before, {expected:g} after: {words}"
        self.teller.check(text, holds=now == expected, found=f"{now:g} salable")


def play(stage: Stage, teller: Teller) -> str:
    """Play it to its end; answers with an order worth a look. Raises `Failed` at the first step that fails."""
    scene = Scene(stage, teller)
    products = [{"sku": MUG, "name": "Mug, blue", "price": 12, "qty": 50}]
    products.append({"sku": POSTER, "name": "Poster, A2", "price": 20, "qty": 30})
    stage.magento.control("POST", "products", products)
    with teller.step("A TikTok Shop order arrives and is created in Magento, with an invoice"):
        first = order_arrives(scene)
    with teller.step("A credit memo in Magento's admin cancels the TikTok Shop order"):
        refunded_in_store(scene, first)
    with teller.step("A buyer cancels on TikTok Shop: refunded in Magento, and the stock comes back"):
        cancelled_on_channel(scene)
    with teller.step("The buyer cancels one of three: one unit is refunded, two live on"):
        cancelled_in_part(scene)
    with teller.step(f"A cancellation with plugin {OLD_PLUGIN}, which may not restock"):
        cancelled_with_old_plugin(scene)
    with teller.step("A notification is lost: the sweep finds out"):
        lost_and_found(scene)
    with teller.step("The service is killed right after a refund was booked"):
        order = killed(scene)
    for place in PLACES:
        with teller.step(place.title):
            elsewhere(scene, place)
    return order


def order_arrives(scene: Scene) -> str:
    before = scene.stage.salable(MUG)
    order_id = scene.place(_line(MUG, "12.00", 2), _line(POSTER, "20.00", 1))
    scene.teller.says(f"TikTok order {order_id}: 2 × {MUG}, 1 × {POSTER}, shipping 4.00")
    order = scene.imported(order_id)
    there = scene.stage.store_order(order_id)
    paid = there["total_paid"] == there["grand_total"] and float(there["grand_total"]) == 48.0
    text = f"Magento order {order['store_number']} counts as paid: 48.00 invoiced"
    scene.teller.check(text, holds=paid, found=f"{there['total_paid']} paid of {there['grand_total']}")
    scene.stock(MUG, "the order took its stock", before, before - 2)
    return order_id


def refunded_in_store(scene: Scene, order_id: str) -> None:
    number = scene.stage.store_order(order_id)["increment_id"]
    body = {"increment_id": number, "back_to_stock": True, "comment": "Out of stock"}
    scene.stage.magento.control("POST", "refund", body)
    scene.teller.says(f"The merchant refunds {number} in Magento's admin")
    scene.closed(order_id)
    scene.is_cancelled(order_id)
    scene.has_memos(order_id)


def cancelled_on_channel(scene: Scene) -> None:
    order_id = scene.place(_line(MUG, "12.00", 3))
    scene.teller.says(f"TikTok order {order_id}: 3 × {MUG}")
    scene.imported(order_id)
    before = scene.stage.salable(MUG)
    scene.buyer_cancels(order_id)
    scene.teller.says("The buyer cancels, and TikTok Shop completes the cancellation")
    scene.closed(order_id)
    scene.has_memos(order_id)
    scene.stock(MUG, "3 came back", before, before + 3)


def cancelled_in_part(scene: Scene) -> None:
    order_id = scene.place(_line(MUG, "12.00", 3))
    scene.teller.says(f"TikTok order {order_id}: 3 × {MUG}, shipping 4.00")
    order = scene.imported(order_id)
    before = scene.stage.salable(MUG)
    unit = order["units"][1]["unit_id"]
    scene.buyer_cancels(order_id, [unit])
    scene.teller.says("The buyer cancels one mug; TikTok Shop completes the cancellation of that line")
    scene.settled(order_id, "one unit is refunded", _is_cancelled_in_part)
    scene.has_memos(order_id)
    there = scene.stage.store_order(order_id)
    given = float(there["total_refunded"])
    scene.teller.check("12.00 were refunded: one mug, no shipping", holds=given == 12.0, found=f"{given:.2f}")
    scene.stock(MUG, "1 came back", before, before + 1)
    status = _status(scene.stage.channel_order(order_id))
    scene.teller.check("the order lives on TikTok Shop", holds=status == "AWAITING_SHIPMENT", found=status)


def cancelled_with_old_plugin(scene: Scene) -> None:
    scene.stage.magento.control("POST", "settings", {"plugin": OLD_PLUGIN})
    scene.stage.doctor()
    order_id = scene.place(_line(POSTER, "20.00", 1))
    scene.teller.says(f"Magento now has plugin {OLD_PLUGIN}. TikTok order {order_id}: 1 × {POSTER}")
    scene.imported(order_id)
    before = scene.stage.salable(POSTER)
    scene.buyer_cancels(order_id)
    scene.teller.says("The buyer cancels, and TikTok Shop completes the cancellation")
    order = scene.closed(order_id)
    scene.has_memos(order_id)
    scene.stock(POSTER, "refunded, and not restocked", before, before)
    told = " ".join(entry["because"] for entry in order["changelog"])
    scene.teller.check("the changelog says that 1.0.20 is needed", holds="1.0.20" in told, found=told)
    scene.stage.magento.control("POST", "settings", {"plugin": PLUGIN})
    scene.stage.doctor()


def lost_and_found(scene: Scene) -> None:
    order_id = scene.place(_line(MUG, "12.00", 1))
    scene.teller.says(f"TikTok order {order_id}: 1 × {MUG}")
    scene.imported(order_id)
    scene.stage.magento.control("POST", "consumer", {"drop": 10})
    scene.stage.magento.control("POST", "refund", {"increment_id": scene.stage.store_order(order_id)["increment_id"]})
    scene.teller.says("The merchant refunds it in Magento, and the plugin's notification never arrives")
    order = scene.closed(order_id)
    arrived = [e["facts"].get("topic", "") for e in order["changelog"] if e["event"] == "arrived"]
    told = [topic for topic in arrived if "creditmemo" in topic]
    scene.teller.check("nobody told the bridge of the credit memo", holds=not told, found=told)
    scene.is_cancelled(order_id)
    scene.has_memos(order_id)


def killed(scene: Scene) -> str:
    stage, teller = scene.stage, scene.teller
    order_id = scene.place(_line(MUG, "12.00", 2))
    teller.says(f"TikTok order {order_id}: 2 × {MUG}")
    scene.imported(order_id)
    before = stage.salable(MUG)
    stage.stop_service()
    stage.start_service(BRIDGE_KILL_POINT=KILL_POINT)
    service = stage.service
    assert service is not None
    scene.buyer_cancels(order_id)
    teller.says("The buyer cancels; the service refunds in Magento, and is killed before it can write that down")
    with teller.waiting("until the service dies"):
        code = service.wait(15)
    teller.check(
        f"process {service.pid} was ended by SIGKILL", holds=code == -signal.SIGKILL, found=f"exit code {code}"
    )
    stage.stop_service()
    scene.has_memos(order_id)
    seconds = stage.start_service()
    teller.says(f"The service is started again: it answers after {seconds:.1f} s")
    scene.closed(order_id, 20)
    scene.is_cancelled(order_id)
    scene.has_memos(order_id)
    scene.stock(MUG, "2 came back, once", before, before + 2)
    return order_id


def elsewhere(scene: Scene, place: Place) -> None:
    box, ready = scene.stage.enter(place.name)
    tie(scene.stage, place, box, ready)
    there, here = (scene.place(_line(SKU, PRICE, 1)) for _ in range(2))
    scene.teller.says(f"The shop's next orders go to {place.name}. TikTok orders {there} and {here}: 1 × {SKU} each")
    for order_id in (there, here):
        scene.settled(order_id, f"it is in {place.name}", _is_imported)
    if place.cancelled_by_merchant is not None:
        place.cancelled_by_merchant(box, place.order(box, there))
        scene.teller.says(f"The merchant cancels the first one in {place.name}")
        scene.closed(there)
        scene.is_cancelled(there)
    if place.on_its_way is not None:
        too_late(scene, place, box, there)
    scene.buyer_cancels(here)
    scene.teller.says("The buyer cancels the second one, and TikTok Shop completes the cancellation")
    scene.closed(here)
    text, holds, found = place.shows(place.order(box, here))
    scene.teller.check(text, holds=holds, found=found)


def too_late(scene: Scene, place: Place, box: Sandbox, order_id: str) -> None:
    assert place.on_its_way is not None
    place.on_its_way(box, place.order(box, order_id))
    scene.teller.says(f"{place.name} begins to pick the first one, and the buyer cancels it")
    scene.buyer_cancels(order_id)
    asked = scene.asked(order_id, "cannot_refund")
    text = f"a person is asked, because {asked['because']}"
    scene.teller.check(text, holds="picking its units" in asked["because"], found=asked)


def _line(sku: str, price: str, quantity: int) -> JsonObject:
    return {"seller_sku": sku, "sale_price": price, "quantity": quantity}


def _is_imported(order: JsonObject) -> bool:
    return bool(order["state"] == "settled" and order["store_number"] and order["units"])


def _is_closed(order: JsonObject) -> bool:
    units = order["units"]
    gone = all(unit["channel"] == "cancelled" and unit["store"] == "refunded" for unit in units)
    return bool(order["state"] == "settled" and units and gone)


def _is_cancelled_in_part(order: JsonObject) -> bool:
    sides = sorted((unit["channel"], unit["store"]) for unit in order["units"])
    return bool(
        order["state"] == "settled" and sides == [("cancelled", "refunded"), *[("living", "living")] * (len(sides) - 1)]
    )


def _status(found: JsonObject) -> str:
    order: JsonObject = found.get("order") or found
    return str(order.get("status") or order.get("order_status"))


def _cancellation(answer: JsonObject, order: JsonObject) -> JsonObject:
    """The newest cancellation of an order, as TikTok Shop shows it."""
    found = order.get("cancellations") or [answer.get("cancellation") or answer]
    return dict(found[-1])
