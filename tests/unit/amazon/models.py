"""Amazon's official models of the two versions, where the folder is present, and what a body must be by them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, ValidationError
from jsonschema.validators import extend

FOLDER = Path(__file__).parents[3].parent / "shared" / "schemas" / "amazon"
ABSENT = f"no {FOLDER}: the vendor's own models are not part of this repository"


@cache
def _load(version: str) -> dict[str, Any] | None:
    path = FOLDER / f"fulfillmentOutbound_{version}.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def model(version: str) -> dict[str, Any]:
    found = _load(version)
    if found is None:
        pytest.skip(ABSENT)
    return found


def no_unknown(_validator: Any, properties: Any, instance: Any, _schema: Any) -> Any:
    """A field that the model does not have is a mistake of ours, though the model forbids none."""
    if isinstance(instance, Mapping):
        for name in instance.keys() - properties.keys():
            yield ValidationError(f"{name} is no field of the model")
    yield from Draft4Validator.VALIDATORS["properties"](_validator, properties, instance, _schema)


Strict: Any = extend(Draft4Validator, {"properties": no_unknown})  # type: ignore[no-untyped-call]


def problems(version: str, definition: str, body: object) -> list[str]:
    """What is wrong with a body by `definitions` of a model; fields that it does not have included."""
    validator = Strict({**model(version), "$ref": f"#/definitions/{definition}"})
    return [f"{'/'.join(map(str, one.path))}: {one.message}" for one in validator.iter_errors(body)]


def operation(version: str, method: str, path: str) -> dict[str, Any] | None:
    """The operation that a call without its values is, by the model's own paths."""
    paths = model(version)["paths"]
    for template, methods in paths.items():
        names = template.split("/")
        parts = path.split("/")
        if len(names) == len(parts) and all(n.startswith("{") or n == p for n, p in zip(names, parts, strict=True)):
            found: dict[str, Any] | None = methods.get(method.lower())
            if found is not None:
                return {**found, "parameters": found.get("parameters", []) + methods.get("parameters", [])}
    return None


def example(version: str, path: str) -> dict[str, Any]:
    """The example answer of a GET."""
    shown = model(version)["paths"][path]["get"]["responses"]["200"]["examples"]
    found: dict[str, Any] = shown.get("application/json", shown)
    return found
