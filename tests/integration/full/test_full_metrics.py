"""What the rules, the dashboard and the reference name is what a service that did everything shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.stage import Stage

ROOT = Path(__file__).parents[3]
MUGS = {"seller_sku": "MUG", "quantity": 2, "sale_price": "10.00"}
OUTSIDE = {"up", "job", "instance", "le"}
"""What Prometheus itself adds."""
WORDS = re.compile(
    r"sum|max|min|count|by|rate|increase|histogram_quantile|time|group_left|on|ignoring|and|or|unless|without"
)


async def shown(play: Stage) -> dict[str, set[str]]:
    """Every series' name → its labels, of one scrape."""
    async with play.session.get(f"{play.url}/metrics") as answer:
        assert answer.status == 200
        families = list(text_string_to_metric_families(await answer.text()))
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


async def everything_done(play: Stage) -> None:
    """Deliveries, effects on both sides, sweeps, a refusal, a deadline, a renewed token, a waiting order."""
    await play.tiktok.control("POST", "tokens/expire")
    refunded, cancelled, asked, waits = [await play.place(MUGS) for _ in range(4)]
    for order_id in (refunded, cancelled, asked, waits):
        await play.imported(order_id)
    await play.tiktok.control("POST", f"orders/{refunded}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(refunded, "both books agree: all")
    made = await play.store_order(cancelled)
    await play.magento.control("POST", "refund", {"order": made["id"]})
    await play.settled(cancelled, "both books agree: all")
    await play.tiktok.control("POST", f"orders/{asked}/cancel", {"role": "BUYER"})

    async def is_asked() -> bool:
        return bool((await play.api("GET", "attention"))["items"])

    await play.until(is_asked, "the buyer's request is shown")
    await play.api("POST", "sweeps", {})

    async def swept() -> bool:
        return "bridge_sweep_finished_timestamp_seconds" in await shown(play)

    await play.until(swept, "a sweep has ended")
    async with play.session.post(f"{play.url}/hooks/magento/{play.store_id}", data=b"{}") as answer:
        assert answer.status in {400, 401}
    await play.magento.fault(kind="fail", status=503, path="/rest/", times=100)
    await play.tiktok.control("POST", f"orders/{waits}/cancel", {"role": "SYSTEM", "pending": False})
    await play.settled(waits, "waiting")


def expressions() -> Iterator[tuple[str, str]]:
    rules = yaml.safe_load((ROOT / "docs/operations/prometheus-rules.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    board = json.loads((ROOT / "docs/operations/grafana-dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def parsed(expression: str) -> list[tuple[str, set[str]]]:
    """The metrics of an expression with the labels it uses of them. Raises AssertionError where it is none."""
    assert expression.count("(") == expression.count(")"), expression
    found: list[tuple[str, set[str]]] = []
    by: set[str] = set()
    for listed in re.findall(r"\bby \(([^)]*)\)", expression):
        by |= {label.strip() for label in listed.split(",")}
    plain = re.sub(r"\bby \([^)]*\)", " ", expression)
    token = re.compile(
        r"\s*(?:(?P<name>[a-zA-Z_:]\w*)(?P<match>\{[^}]*\})?(?P<range>\[\d+[smhd]\])?"
        r"|(?P<number>\d+(?:\.\d+)?)|(?P<other>==|>=|<=|!=|[()+\-*/<>,]))"
    )
    at = 0
    while at < len(plain.rstrip()):
        one = token.match(plain, at)
        assert one is not None, f"{expression!r} cannot be read at {plain[at:]!r}"
        at = one.end()
        name = one["name"]
        if name is None or (WORDS.fullmatch(name) and not one["match"]):
            continue
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", one["match"] or ""))
        if one["match"]:
            assert re.fullmatch(r"\{\w+(?:=~|!~|!=|=)\"[^\"]*\"(?:,\s*\w+(?:=~|!~|!=|=)\"[^\"]*\")*\}", one["match"])
        assert bool(one["range"]) == (
            re.search(rf"(?:rate|increase)\({re.escape(one.group().strip())}", plain) is not None
        )
        found.append((name, labels))
    assert found, expression
    return [(name, labels | by) for name, labels in found]


async def test_the_rules_and_the_dashboard_name_what_is_there(play: Stage) -> None:
    await everything_done(play)
    found = await shown(play)
    reference = (ROOT / "docs/reference/metrics.md").read_text()
    for where, expression in expressions():
        for name, labels in parsed(expression):
            if name in OUTSIDE:
                continue
            assert name in found, (where, name)
            assert labels - OUTSIDE <= found[name], (where, name, labels, found[name])
        for value in re.findall(r"=~?\"([^\"]+)\"", expression):
            for word in value.split("|"):
                known = word in {"bridge", "reauth", "failed", "brake", "ok"} or f"`{word}`" in reference
                assert known, (where, word)


def _listed() -> dict[str, list[str]]:
    rows = re.findall(
        r"^\| `(bridge_\w+)` \|([^\n]*)\|$", (ROOT / "docs/reference/metrics.md").read_text(), re.MULTILINE
    )
    return {name: [cell.strip() for cell in rest.split("|")] for name, rest in rows}


async def test_the_reference_lists_exactly_what_is_shown(play: Stage) -> None:
    await everything_done(play)
    found = {
        re.sub(r"_(bucket|count|sum)$", "", name): labels - {"le"}
        for name, labels in (await shown(play)).items()
        if name.startswith("bridge_") and not name.endswith("_created")
    }
    listed = _listed()
    assert set(listed) == set(found)
    for name, cells in listed.items():
        assert set(re.findall(r"`(\w+)`", cells[1])) == found[name], name
        assert cells[0] in {"process", "database"}


async def test_the_numbers_are_those_of_what_happened(play: Stage) -> None:
    await everything_done(play)
    async with play.session.get(f"{play.url}/metrics") as answer:
        text = await answer.text()
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def value(name: str, **labels: str) -> float:
        return float(values[(name, *sorted(labels.items()))])

    assert value("bridge_effects_total", kind="create", outcome="done") == 4
    assert value("bridge_effects_total", kind="refund", outcome="done") == 1
    assert value("bridge_effects_total", kind="cancel", outcome="claimed") == 1
    assert value("bridge_remote_calls_total", kind="magento", endpoint="create_order", outcome="ok") == 4
    assert value("bridge_remote_calls_total", kind="magento", endpoint="refund", outcome="ok") == 1
    assert value("bridge_remote_calls_total", kind="tiktok", endpoint="cancel", outcome="ok") == 1
    assert value("bridge_orders_waiting", cause="outage") >= 1, "others are looked at too, where a sweep marked them"
    assert value("bridge_attention_open", kind="buyer_request") == 1
    assert value("bridge_connections", kind="magento", state="connected") == 1
    assert value("bridge_effects_paused") == 0
    assert value("bridge_database_up") == 1
    assert value("bridge_attention_deadline_timestamp_seconds", kind="buyer_request") > 1_700_000_000
    ids = {play.shop_id, play.store_id, play.tiktok_id, play.channel_shop_id}
    assert not any(label in ids for key in values for pair in key[1:] for label in pair)


def test_every_rule_has_what_an_operator_needs() -> None:
    rules = yaml.safe_load((ROOT / "docs/operations/prometheus-rules.yml").read_text())["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 20
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "runbook"}
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        text = (ROOT / page).read_text()
        headings = {
            re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
            for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        }
        assert not anchor or anchor in headings, rule["annotations"]["runbook"]


def test_a_call_is_named_by_what_it_is_and_never_by_an_id() -> None:
    from bridge.connectors.calls import endpoint_of

    names: dict[Any, Any] = {
        ("POST", "/shop/rest/de/V1/orders"): ("magento", "create_order"),
        ("GET", "/rest/V1/orders/17"): ("magento", "read_order"),
        ("GET", "/rest/V1/orders"): ("magento", "list_orders"),
        ("POST", "/rest/V1/order/17/refund"): ("magento", "refund"),
        ("GET", "/rest/V1/inventory/get-product-salable-quantity/A%2FB/1"): ("magento", "stock"),
        ("GET", "/rest/V1/something/577900000000000001"): ("magento", "other"),
        ("PUT", "/fba/outbound/2020-07-01/fulfillmentOrders/TT-577/cancel"): ("amazon", "cancel"),
        ("GET", "/fulfillment/outbound/2026-07-04/orders/TT-577"): ("amazon", "read_order"),
        ("POST", "/auth/o2/token"): ("amazon", "token"),
        ("GET", "/order/202309/orders"): ("tiktok", "read_order"),
        ("POST", "/return_refund/202309/cancellations"): ("tiktok", "cancel"),
        ("POST", "/return_refund/202309/cancellations/403/approve"): ("tiktok", "approve"),
        ("GET", "/api/v2/token/refresh"): ("tiktok", "token"),
        ("POST", "/hooks/577900000000000001"): ("other", "other"),
    }
    assert {call: endpoint_of(*call) for call in names} == names
