from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from plugin_contract.deliveries import parse
from plugin_contract.schemas import FOLDER, PUBLISHED, document, stale, text, write
from plugin_contract.schemas.__main__ import main
from plugin_contract.versions import capabilities

RECORDINGS = Path(__file__).parents[2] / "recordings" / "magento"


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text()))


def body(path: str) -> Any:
    return json.loads(json.loads((RECORDINGS / path).read_text())["response"]["body"])


def test_the_published_schemas_are_what_the_models_say() -> None:
    assert stale() == (), "run: python -m plugin_contract.schemas"


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_each_schema_is_one_and_each_example_fits_it_and_the_model(name: str) -> None:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["examples"]
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
        PUBLISHED[name].adapter.validate_json(json.dumps(example))


def test_check_finds_a_changed_an_absent_and_a_stray_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(write(tmp_path)) == set(PUBLISHED)
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    (tmp_path / "webhook.json").write_text(text("webhook").replace("address", "adress"))
    (tmp_path / "webhook-list.json").unlink()
    (tmp_path / "stray.json").write_text("{}")
    capsys.readouterr()
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "stale: stray.json",
        "stale: webhook.json",
        "stale: webhook-list.json",
    ]
    assert main(["--folder", str(tmp_path)]) == 0
    assert stale(tmp_path) == ()
    assert json.loads((tmp_path / "webhook.json").read_text()) == document("webhook")


def test_every_recorded_delivery_fits_its_schema() -> None:
    headers, entity, product = (validator(f"delivery-{name}") for name in ("headers", "entity", "product"))
    for path in (RECORDINGS / "deliveries").rglob("*.json"):
        for one in json.loads(path.read_text())["deliveries"]:
            request = one["request"]
            headers.validate(request["headers"])
            delivery = parse(request["headers"], request["raw_body"].encode())
            (product if delivery.topic == "products/update" else entity).validate(json.loads(request["raw_body"]))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("version/version_report.json", "store-configs"),
        ("versions/no_plugin/version_report.json", "store-configs"),
        ("webhooks/webhook_list.json", "webhook-list"),
        ("webhooks/webhook_list_empty.json", "webhook-list"),
        ("webhooks/webhook_get.json", "webhook"),
        ("webhooks/webhook_get_unknown.json", "webhook"),
        ("webhooks/webhook_delete.json", "webhook"),
    ],
)
def test_the_recorded_answers_fit(path: str, name: str) -> None:
    validator(name).validate(body(path))


@pytest.mark.parametrize(
    ("name", "instance"),
    [
        ("delivery-entity", {"id": True}),
        ("delivery-entity", {"id": " "}),
        ("delivery-entity", {}),
        ("delivery-headers", {"X-Webhook-Topic": "orders/update"}),
        ("webhook", [{}]),
        ("webhook", {"id": "1"}),
        ("webhook-register", {"webhook": {"topic": "orders/update", "app_key": "c", "address": "a", "secret": "x"}}),
        ("webhook-register", {"topic": "orders/update", "app_key": "c", "address": "a"}),
        ("version-check", {**capabilities("1.0.26").model_dump(mode="json"), "extra": 1}),
        ("version-check", {"reported": None}),
    ],
)
def test_what_does_not_fit_is_refused(name: str, instance: object) -> None:
    assert not validator(name).is_valid(instance)


@pytest.mark.parametrize("reported", [None, "x", "1.0.17", "1.0.19", "1.0.25", "1.0.26", "2.0"])
def test_every_version_check_fits(reported: str | None) -> None:
    validator("version-check").validate(capabilities(reported).model_dump(mode="json"))
