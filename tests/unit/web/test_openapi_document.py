"""The API's description is whole, and is OpenAPI 3.1: whoever adds a route describes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from bridge.web import outside
from bridge.web.api import table
from bridge.web.api.examples import EXAMPLES
from bridge.web.openapi import document
from bridge.web.problems import CATALOGUE
from bridge.web.routes import Route

LISTED = [*outside.ROUTES, *table.ROUTES]
BODY = {400, 408, 413, 415, 422}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    # As it is sent: what JSON cannot say is not in it.
    found: dict[str, Any] = json.loads(json.dumps(document(LISTED, "1.2.3")))
    return found


def operations(described: dict[str, Any]) -> Iterator[tuple[Route, dict[str, Any]]]:
    for route in LISTED:
        yield route, described["paths"][route.path][route.method.lower()]


def test_it_is_openapi_31(described: dict[str, Any]) -> None:
    """By the specification's own JSON schema, and each model by JSON Schema's."""
    validator = jsonschema.Draft202012Validator(OPENAPI_31)
    assert [error.message for error in validator.iter_errors(described)] == []
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert [error.message for error in validator.iter_errors(described | {"paths": {"x": 1}})]


def test_it_says_what_it_is_and_where(described: dict[str, Any]) -> None:
    assert described["info"]["version"] == "1.2.3"
    assert described["servers"] == [{"url": "/", "description": "Where this document came from"}]


def test_every_operation_is_described_and_has_a_name_of_its_own(described: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in described["tags"]}
    names = []
    for route, operation in operations(described):
        assert operation["summary"]
        assert operation["description"]
        assert set(operation["tags"]) <= tags, f"give {operation['tags']} a text in bridge/web/nouns.py"
        for one in operation["parameters"]:
            assert one.get("description"), (
                f"{route.path}: describe {one['name']} in its model or in bridge/web/nouns.py"
            )
        names.append(operation["operationId"])
    assert len(names) == len(set(names))
    assert all(tag["description"] for tag in described["tags"])


def test_every_place_of_an_address_is_a_parameter(described: dict[str, Any]) -> None:
    for route, operation in operations(described):
        places = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
        assert places == re.findall(r"{(\w+)}", route.path)


def test_every_body_has_an_example_that_is_taken(described: dict[str, Any]) -> None:
    for route, operation in operations(described):
        if route.body is None:
            continue
        assert EXAMPLES.get(route.body), f"give {route.body.__name__} an example in bridge/web/api/examples.py"
        assert operation["requestBody"]["content"]["application/json"]["examples"]
        for example in EXAMPLES[route.body].values():
            route.body.model_validate_json(json.dumps(example), strict=True)


def test_every_operation_names_the_scope_it_needs(described: dict[str, Any]) -> None:
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for route, operation in operations(described):
        statuses = {int(status) for status in operation["responses"]}
        if route.token:
            assert operation["security"] == [{"token": [route.scope]}]
            assert f"`{route.scope}`" in operation["description"]
            assert statuses >= {401, 403}
        else:
            assert {} in operation["security"] or not operation["security"]
        assert statuses >= {400, 500, 503}
        assert not route.body or statuses >= BODY


def test_every_error_is_a_problem_of_its_status(described: dict[str, Any]) -> None:
    responses = described["components"]["responses"]
    for _, operation in operations(described):
        for status, answer in operation["responses"].items():
            if "$ref" not in answer:
                assert int(status) < 400 or "text/html" in answer["content"]
                continue
            found = responses[answer["$ref"].rsplit("/", 1)[1]]
            schema = found["content"]["application/problem+json"]["schema"]["allOf"]
            assert schema[0] == {"$ref": "#/components/schemas/Problem"}
            assert schema[1]["properties"]["status"] == {"const": int(status)}
            slugs = {slug for slug, (code, _) in CATALOGUE.items() if code == int(status)}
            assert set(schema[1]["properties"]["type"]["enum"]) == {f"/problems/{slug}" for slug in slugs}


def test_it_refers_to_all_that_it_has_and_to_nothing_else(described: dict[str, Any]) -> None:
    text = json.dumps(described)
    for kind in ("schemas", "responses"):
        assert set(re.findall(rf"#/components/{kind}/([\w.-]+)", text)) == set(described["components"][kind])
    assert "__" not in "".join(described["components"]["schemas"]), "two models have one name: rename one"
