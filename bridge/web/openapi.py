"""The OpenAPI 3.1 document, made from the route table that also registers the routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from bridge.web.desk import DESK
from bridge.web.problems import CATALOGUE
from bridge.web.routes import ROUTES, Route

_PLACE = re.compile(r"{(\w+)}")
_REF = "#/components/schemas/{model}"
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [f"/problems/{slug}" for slug in CATALOGUE]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and what to do"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    listed = list(routes)
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    for route in listed:
        models += [(model, "validation") for model in (route.body, route.query) if model is not None]
        models += [(answer.model, "serialization") for answer in route.answers.values() if answer.model is not None]
    refs, definitions = models_json_schema(list(dict.fromkeys(models)), ref_template=_REF)
    schemas = definitions.get("$defs", {}) | {"Problem": _PROBLEM}
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, refs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bridge",
            "version": version,
            "description": "Keeps cancellations, refunds and stock true between TikTok Shop and a merchant's store.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, refs: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    places = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(route.path)
    ]
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*places, *_query(route, refs, schemas), *_headers(route)],
        "responses": {str(status): _answer(route, status, refs) for status in route.statuses},
        "security": [{"token": []}] if route.token else [],
    }
    if route.notes:
        found["description"] = route.notes
    if route.body is not None:
        content: dict[str, Any] = {"application/json": {"schema": refs[route.body, "validation"]}}
        found["requestBody"] = {"required": not _is_optional(route.body), "content": content}
    elif route.form:
        form = {
            "type": "object",
            "required": list(route.form),
            "properties": {n: {"type": "string"} for n in route.form},
        }
        found["requestBody"] = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}}
    elif route.tag == "hooks":
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    return found


def _is_optional(model: type[BaseModel]) -> bool:
    return not any(field.is_required() for field in model.model_fields.values())


def _query(route: Route, refs: Any, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = schemas[refs[route.query, "validation"]["$ref"].rsplit("/", 1)[1]]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": one}
        for name, one in schema.get("properties", {}).items()
    ]


def _headers(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in route.headers]


def _answer(route: Route, status: int, refs: Any) -> dict[str, Any]:
    answer = route.answers.get(status)
    phrase = HTTPStatus(status).phrase
    if answer is None:
        content = {"application/problem+json": {"schema": {"$ref": _REF.format(model="Problem")}}}
        return {"description": phrase, "content": content}
    said: dict[str, Any] = {"description": answer.says or phrase}
    if answer.model is not None:
        said["content"] = {"application/json": {"schema": refs[answer.model, "serialization"]}}
    elif answer.content_type != "application/json":
        said["content"] = {answer.content_type: {"schema": {"type": "string"}}}
    return said


async def show_openapi(request: web.Request) -> web.Response:
    """This API, as OpenAPI 3.1. Needs no token: it says nothing about this installation."""
    body = json.dumps(document(request.app[ROUTES].routes, request.app[DESK].version)).encode()
    return web.Response(body=body, content_type="application/json")
