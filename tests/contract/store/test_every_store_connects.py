"""What connecting to any store, its messages and doctor's look at it must keep."""

from __future__ import annotations

import json

import pytest

from bridge.domain.outcomes import Reauth, RemoteProblem
from bridge.ports import TEST_TOPIC, HookRefused, Known
from tests.contract.store.store_bench import BoxBench
from tests.support.letterbox import letterbox

PUBLIC = "https://bridge.example"
MARK = "0f9c2b7a" * 4


async def test_connecting_says_what_the_store_is_and_again_the_same(any_box: BoxBench) -> None:
    bench = any_box
    assert bench.connector.kind == bench.platform.kind
    assert bench.connector.normalise(bench.url) == bench.connector.normalise(f"{bench.url}/")
    for _ in range(2):
        found = await bench.connector.connect("c1", bench.url, bench.credentials, PUBLIC)
        assert not [one for one in found.findings if one.level == "error"]
        assert json.loads(json.dumps(dict(found.facts))) == found.facts
        assert json.loads(json.dumps(dict(found.credentials))) == found.credentials
        urls = bench.connector.hook_urls(PUBLIC, "c1", found.credentials)
        assert all(url.startswith(f"{PUBLIC}/hooks/{bench.platform.kind}/c1") for url in urls)
        assert bool(urls) is (bench.door is not None)
        shown = json.dumps(dict(found.facts)) + "".join(one.text for one in found.findings)
        assert not [secret for secret in bench.secrets if secret in shown]


async def test_wrong_credentials_are_told_without_being_shown(any_box: BoxBench) -> None:
    bench = any_box
    wrong = bench.connector.check(bench.wrong)
    with pytest.raises(RemoteProblem) as problem:
        await bench.connector.connect("c1", bench.url, wrong, PUBLIC)
    assert isinstance(problem.value.outcome, Reauth)
    assert problem.value.outcome.because
    shown = f"{problem.value} {problem.value.outcome} {problem.value.__cause__!r} {problem.value.__context__!r}"
    values = [value for value in wrong.values() if isinstance(value, str) and len(value) > 12 and "//" not in value]
    assert not [value for value in (*values, *bench.secrets) if value in shown and value not in _names(bench)]


def _names(bench: BoxBench) -> set[str]:
    """What may be shown: ids that name an app and open nothing."""
    return {str(value) for name, value in bench.credentials.items() if name.endswith("_id")}


async def test_credentials_that_lack_something_are_refused_with_what(any_box: BoxBench) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        any_box.connector.check({})
    with pytest.raises(ValueError, match=r"\w"):
        any_box.connector.normalise("")


async def test_doctor_looks_and_says_what_it_saw_also_where_nothing_answers(any_box: BoxBench) -> None:
    bench = any_box
    looked = await bench.connector.examine("c1", bench.url, bench.credentials, PUBLIC, mend=True, known=Known())
    assert looked.problem is None
    assert looked.connected is not None
    assert looked.findings
    assert not [one for one in looked.findings if one.level == "error"]
    nobody = "http://127.0.0.1:9"
    token_url = {"token_url": nobody} if "token_url" in bench.credentials else {}
    gone = await bench.connector.examine(
        "c1", nobody, {**bench.credentials, **token_url}, PUBLIC, mend=False, known=Known()
    )
    assert gone.problem is not None or [one for one in gone.findings if one.level != "ok"]
    shown = "".join(one.text for one in (*looked.findings, *gone.findings))
    assert not [secret for secret in bench.secrets if secret in shown]


async def test_what_is_delivered_is_verified_and_leads_to_its_order(any_box: BoxBench) -> None:
    bench, keys = any_box, any_box.platform.keys(any_box.credentials)
    if bench.door is None:
        assert not keys
        assert not bench.platform.topics
        assert bench.connector.test_delivery("c1", bench.credentials, PUBLIC, MARK) is None
        return
    async with letterbox() as post:
        await bench.connector.connect("c1", bench.url, bench.credentials, post.url)
        await bench.wake_deliveries()
        order = await bench.create()
        await bench.take_back(order)
        subjects: set[str | None] = set()
        while order.id not in subjects:
            came = await post.next()
            assert came.path == f"/hooks/{bench.platform.kind}/c1"
            if bench.is_greeting(came):
                continue
            hint = bench.door.read("", came.headers, came.raw, keys)
            assert hint.dedupe
            assert bench.door.is_for("c1", came.headers)
            # A repeat is known as the same; another key, another byte or no key at all opens nothing.
            assert bench.door.read("", came.headers, came.raw, ("x" * 32, *keys)).dedupe == hint.dedupe
            for raw, tried in ((came.raw, ("x" * 32,)), (came.raw + b" ", keys)):
                with pytest.raises(HookRefused) as refused:
                    bench.door.read("", came.headers, raw, tried)
                assert refused.value.status == 401
                assert not [secret for secret in bench.secrets if secret in refused.value.detail]
            if hint.topic in bench.platform.topics:
                subjects.add(await bench.store.resolve(hint.topic, hint.subject))


async def test_doctors_test_delivery_passes_the_door_and_names_nothing(any_box: BoxBench) -> None:
    bench = any_box
    sent = bench.connector.test_delivery("c1", bench.credentials, PUBLIC, MARK)
    if bench.door is None:
        assert sent is None
        return
    assert sent is not None
    assert sent.url in bench.connector.hook_urls(PUBLIC, "c1", bench.credentials)
    assert sent.signature_header in sent.headers
    hint = bench.door.read("", sent.headers, sent.body, bench.platform.keys(bench.credentials))
    assert (hint.topic, hint.subject) == (TEST_TOPIC, MARK)
    assert not [secret for secret in bench.secrets if secret in repr(sent)]
    with pytest.raises(HookRefused):
        bench.door.read("", sent.headers, sent.body, ("x" * 32,))
