from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import FoundShop
from tests.integration.web.house import House

APP = {"app_key": "app1", "app_secret": "secret1", "service_id": "s1"}


async def announce(house: House) -> dict[str, Any]:
    answer = await house.ask("POST", "/api/v1/connections", json={"kind": "tiktok", "credentials": APP})
    assert answer.status == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def path_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


async def state_of(house: House, connection: str) -> str:
    answer = await house.ask("GET", f"/oauth/tiktok/start?connection={connection}")
    assert answer.status == 302, answer.text
    state: str = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
    return state


async def back(house: House, query: str) -> tuple[int, str]:
    answer = await house.ask("GET", f"/oauth/tiktok/callback?{query}", token=False)
    return answer.status, answer.text


async def test_a_one_time_link_leads_to_tiktok_and_back_to_a_connected_shop(each_house: House) -> None:
    house = each_house
    made = await announce(house)
    link = path_of(made["authorize_url"])
    gone = await house.ask("GET", link, token=False)
    assert gone.status == 302
    target = urlsplit(gone.headers["Location"])
    assert (target.hostname, "secret1" in gone.headers["Location"]) == ("services.tiktok.test", False)
    state = parse_qs(target.query)["state"][0]
    status, text = await back(house, f"code=c1&state={state}")
    assert (status, "Test shop" in text) == (200, True)
    stored = await house.store(made["id"])
    assert (stored.state, stored.credentials["access_token"]) == ("connected", "access-c1")
    assert stored.token_expires_at is not None
    shown = (await house.ask("GET", f"/api/v1/connections/{made['id']}")).text
    assert "access-c1" not in shown
    assert "_link" not in shown
    # The link was good once.
    again = await house.ask("GET", link, token=False)
    assert (again.status, again.json["type"]) == (403, "/problems/link-used")


async def test_without_token_or_link_nothing_starts(house: House) -> None:
    made = await announce(house)
    answer = await house.ask("GET", f"/oauth/tiktok/start?connection={made['id']}", token=False)
    assert answer.status == 403


async def test_a_link_of_one_connection_starts_no_other(house: House) -> None:
    first, second = await announce(house), await announce(house)
    link = path_of(first["authorize_url"]).replace(f"connection={first['id']}", f"connection={second['id']}")
    assert (await house.ask("GET", link, token=False)).status == 403


async def test_a_state_is_good_once(house: House) -> None:
    made = await announce(house)
    state = await state_of(house, made["id"])
    assert (await back(house, f"code=c1&state={state}"))[0] == 200
    assert (await back(house, f"code=c2&state={state}"))[0] == 403
    assert house.authorization.codes == ["c1"]


async def test_a_state_ends_after_an_hour(house: House) -> None:
    made = await announce(house)
    state = await state_of(house, made["id"])
    house.clock.at += timedelta(minutes=61)
    assert (await back(house, f"code=c1&state={state}"))[0] == 403


async def test_a_forged_state_is_403(house: House) -> None:
    made = await announce(house)
    for state in ("x", f"{made['id']}.forged", "con_x.y", "." * 300):
        assert (await back(house, f"code=c1&state={state}"))[0] == 403
    assert house.authorization.codes == []


async def test_an_install_from_the_app_store_is_told_where_to_begin(house: House) -> None:
    status, text = await back(house, "code=c1")
    assert (status, "app store" in text) == (400, True)
    assert house.authorization.codes == []


async def test_a_seller_who_refuses_changes_nothing(house: House) -> None:
    made = await announce(house)
    state = await state_of(house, made["id"])
    status, text = await back(house, f"code=null&error=auth_denied&state={state}")
    assert (status, "did not agree" in text) == (200, True)
    assert (await house.store(made["id"])).state == "announced"


async def test_a_refused_code_is_told(house: House) -> None:
    made = await announce(house)
    house.authorization.problem = RemoteProblem(Reauth("the code is <b>used</b>"))
    status, text = await back(house, f"code=c1&state={await state_of(house, made['id'])}")
    assert (status, "&lt;b&gt;used" in text) == (502, True)


async def test_authorizing_again_keeps_the_connection(house: House) -> None:
    store = await house.connect_tiktok(credentials={**APP, "access_token": "t", "refresh_token": "r"})
    assert (await back(house, f"code=c9&state={await state_of(house, store['id'])}"))[0] == 200
    stored = await house.store(store["id"])
    assert stored.credentials["access_token"] == "access-c9"


async def test_authorizing_a_shop_that_is_connected_already_continues_its_connection(house: House) -> None:
    first = await house.connect_tiktok(credentials={**APP, "access_token": "t", "refresh_token": "r"})
    made = await announce(house)
    assert (await back(house, f"code=c2&state={await state_of(house, made['id'])}"))[0] == 200
    listed = (await house.ask("GET", "/api/v1/connections")).json["connections"]
    assert [one["id"] for one in listed] == [first["id"]]
    assert (await house.store(first["id"])).credentials["access_token"] == "access-c2"


async def test_without_a_service_id_it_is_said_where_to_find_it(house: House) -> None:
    body = {"kind": "tiktok", "credentials": {"app_key": "a", "app_secret": "b"}}
    answer = await house.ask("POST", "/api/v1/connections", json=body)
    assert (answer.status, "service_id" in answer.json["detail"]) == (422, True)


async def test_another_seller_never_takes_a_connection_over(house: House) -> None:
    store = await house.connect_tiktok(credentials={**APP, "access_token": "t", "refresh_token": "r"})
    house.tiktok.shops = (FoundShop("9999", "Stranger's shop", "US", "c"),)
    status, text = await back(house, f"code=c9&state={await state_of(house, store['id'])}")
    assert (status, "Test shop" in text) == (502, True)
    stored = await house.store(store["id"])
    assert (stored.state, stored.because, stored.credentials["access_token"]) == ("connected", "", "t")
