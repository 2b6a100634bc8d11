"""Who is told: added, changed, tried out and removed through the API; secrets shown once."""

from __future__ import annotations

from bridge.domain.outcomes import Retry
from bridge.storage import attention
from tests.integration.web.fakes import FakeSender
from tests.integration.web.house import House

TARGETS = "/api/v1/alert-targets"


def sender(house: House) -> FakeSender:
    found = house.desk.alert_senders["webhook"]
    assert isinstance(found, FakeSender)
    return found


async def test_a_targets_life(house: House) -> None:
    made = await house.ask(
        "POST", TARGETS, json={"kind": "webhook", "address": " https://hooks.example/x ", "name": "Ops"}
    )
    assert (made.status, made.json["secret"], made.json["state"]) == (201, "whsec_made", "untried")
    path = f"{TARGETS}/{made.json['id']}"
    shown = await house.ask("GET", path)
    assert (shown.json["secret"], shown.json["name"], shown.json["kinds"]) == (None, "Ops", None)
    changed = await house.ask("PATCH", path, json={"kinds": ["brake", "poison"]})
    assert changed.json["kinds"] == ["brake", "poison"]
    assert (await house.ask("PATCH", path, json={"kinds": None})).json["kinds"] is None
    assert (await house.ask("PATCH", path, json={"kinds": ["nothing_such"]})).status == 422
    assert (await house.ask("PATCH", path, json={"enabled": False})).json["state"] == "off"
    assert (await house.ask("POST", f"{path}/test", json={})).status == 409
    await house.ask("PATCH", path, json={"enabled": True})
    audited = (await house.ask("GET", f"/api/v1/audit?what=alert%20target%20{made.json['id']}")).json["changes"]
    assert [one["after"] and one["after"]["enabled"] for one in audited] == [True, False, True, True, True]
    assert "whsec" not in str(audited)
    assert (await house.ask("DELETE", path)).status == 204
    assert (await house.ask("GET", path)).status == 404
    assert (await house.ask("GET", TARGETS)).json["targets"] == []


async def test_a_test_tells_what_came_of_it(house: House) -> None:
    body = {"kind": "email", "address": "ops@shop.test", "secret": "whsec_mine"}
    made = await house.ask("POST", TARGETS, json=body)
    assert made.json["secret"] is None, "what was given is not shown again"
    path = f"{TARGETS}/{made.json['id']}"
    assert (await house.ask("POST", f"{path}/test", json={})).json == {
        "delivered": True,
        "because": "It was taken: 202",
    }
    assert sender(house).sent[0][1].test
    assert (await house.ask("GET", path)).json["state"] == "works"
    sender(house).outcome = Retry("the mail server is down")
    said = (await house.ask("POST", f"{path}/test", json={})).json
    assert said == {"delivered": False, "because": "the mail server is down"}


async def test_a_wrong_address_is_said_to_be_wrong(house: House) -> None:
    refused = await house.ask("POST", TARGETS, json={"kind": "webhook", "address": "nowhere"})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "#/address")


async def test_the_outbox_shows_what_is_to_be_told(house: House) -> None:
    made = await house.ask("POST", TARGETS, json={"kind": "email", "address": "ops@shop.test", "kinds": ["poison"]})
    for kind in ("poison", "brake"):
        await _raised(house, kind)
    page = (await house.ask("GET", f"/api/v1/alerts?target={made.json['id']}&state=waiting")).json
    [alert] = page["alerts"]
    assert (alert["body"]["kind"], alert["body"]["shop"], alert["attempts"]) == ("poison", "shp_1", 0)
    assert (await house.ask("GET", f"{TARGETS}/{made.json['id']}")).json["counts"] == {"waiting": 1}
    assert (await house.ask("GET", "/api/v1/alerts?cursor=x")).status == 422


async def _raised(house: House, kind: str) -> None:
    await house.db.write(
        lambda conn: attention.raise_item(
            conn,
            kind=kind,
            fingerprint="f",
            title="Look",
            because="so",
            what_to_do="do",
            facts={},
            shop_id="shp_1",
        )
    )


async def test_groups_and_answers_to_all_of_a_kind(house: House) -> None:
    await _raised(house, "poison")
    [group] = (await house.ask("GET", "/api/v1/attention/groups")).json["groups"]
    assert (group["kind"], group["count"], group["what_to_do"]) == ("poison", 1, "do")
    [item] = (await house.ask("GET", "/api/v1/attention?shop=shp_1")).json["items"]
    assert (item["overdue"], item["deadline_at"], item["reopened"]) == (False, None, None)
    assert (await house.ask("GET", f"/api/v1/attention/{group['samples'][0]}")).json == item
    assert (await house.ask("GET", "/api/v1/attention?sort=deadline")).json["items"] == []
    done = await house.ask("POST", "/api/v1/attention/settle", json={"kind": "poison", "allow": ["past"]})
    assert (done.status, done.json) == (202, {"settled": 3, "skipped": 1, "left": 0})
    assert house.actions.settled[-1][:2] == ("poison", frozenset({"past"}))
    seen = await house.ask("POST", "/api/v1/attention/dismiss", json={"kind": "poison", "note": "known"})
    assert seen.json == {"dismissed": 1}
    assert (await house.ask("GET", "/api/v1/attention/groups")).json["groups"] == []


async def test_a_target_without_a_name_has_as_much_of_its_address_as_fits(each_house: House) -> None:
    address = f"{'n' * 60}@{'long-' * 40}shop.test"
    made = await each_house.ask("POST", TARGETS, json={"kind": "email", "address": address})
    assert made.status == 201, made.text
    assert made.json["address"] == address
    assert made.json["name"] == f"{address[:190]}…"
