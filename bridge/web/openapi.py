"""The OpenAPI 3.1 document, made from the route table that also registers the routes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from bridge.web.api.examples import EXAMPLES
from bridge.web.desk import DESK
from bridge.web.nouns import CHOICES, PLACES, QUERIES, TAGS
from bridge.web.problems import CATALOGUE
from bridge.web.routes import ROUTES, Route

_PLACE: Final = re.compile(r"{(\w+)}")
_REF: Final = "#/components/schemas/{model}"
_ABOUT: Final = (
    "Keeps cancellations, refunds and stock true between TikTok Shop and a merchant's store.\n\n"
    "Bodies are strict UTF-8 JSON of at most 1 MiB: a field that is not known, or a value of another type, is 422. "
    "Times are RFC 3339 with their zone. Errors are `application/problem+json`; `type` is stable. Lists answer with "
    "`next`, which is the `cursor` of the next page and null at the end. The pages that people sign in to are not in "
    "this document: they take forms with a session, and are for browsers."
)
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "RFC 9457. Some problems say more in members of their own, such as `valid_reasons` or `scope`.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [f"/problems/{slug}" for slug in CATALOGUE]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, where, and what to do"},
        "errors": {
            "type": "array",
            "description": "Every wrong place, of a 422",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "A JSON pointer into the body, or to the name of a query parameter",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_PROBLEM_HEADERS: Final[Mapping[int, dict[str, Any]]] = {
    405: {"Allow": {"description": "The methods that are possible", "schema": {"type": "string"}}},
    429: {"Retry-After": {"description": "Seconds", "schema": {"type": "string"}}},
    502: {"Retry-After": {"description": "Seconds, where the remote named them", "schema": {"type": "string"}}},
    503: {"Retry-After": {"description": "Seconds", "schema": {"type": "string"}}},
}
_SCHEMES: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token. What it may do are its scopes: `read`; `act`: decide about orders; `configure`: "
        "connections, settings, users, tokens. `read` is in the other two, and neither is in the other. Each operation "
        "names the scope that it needs.",
    }
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
    for name in {_named(refs[route.query, "validation"]) for route in listed if route.query is not None}:
        # Its fields stand with the operations, each as a parameter.
        del schemas[name]
    used = {tag for path in paths.values() for one in path.values() for tag in one["tags"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bridge", "version": version, "description": _ABOUT},
        "servers": [{"url": "/", "description": "Where this document came from"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {"schemas": schemas, "responses": _problems(listed), "securitySchemes": _SCHEMES},
    }


def _operation(route: Route, refs: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": " ".join([*([route.notes] if route.notes else []), _who_may(route)]),
        "tags": [_tag(route)],
        "parameters": [*_places(route), *_query(route, refs, schemas), *_headers(route)],
        "responses": {str(status): _answer(route, status, refs) for status in route.statuses},
        "security": _security(route),
    }
    if route.body is not None:
        content: dict[str, Any] = {"schema": refs[route.body, "validation"]}
        examples = {name: {"value": value} for name, value in EXAMPLES.get(route.body, {}).items()}
        if examples:
            content["examples"] = examples
        found["requestBody"] = {"required": not _is_optional(route.body), "content": {"application/json": content}}
    elif route.form:
        form = {
            "type": "object",
            "required": list(route.form),
            "properties": {n: {"type": "string"} for n in route.form},
        }
        found["requestBody"] = {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}}
    elif route.tag == "hooks":
        found["requestBody"] = {
            "required": True,
            "description": "As the remote sends it; the signature is over its bytes.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    return found


def _who_may(route: Route) -> str:
    if route.token:
        return f"Needs a token with the scope `{route.scope}`."
    if route.may_use is not None:
        return f"A token, where one is sent, needs the scope `{route.may_use}`."
    return "Needs no token."


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.token:
        return [{"token": [route.scope.value]}]
    return [{}, {"token": [route.may_use.value]}] if route.may_use is not None else []


def _tag(route: Route) -> str:
    if not route.path.startswith("/api/v1/"):
        return route.tag
    return route.path.split("/")[3]


def _is_optional(model: type[BaseModel]) -> bool:
    return not any(field.is_required() for field in model.model_fields.values())


def _places(route: Route) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PLACES[name],
            "schema": {"type": "string", **({"enum": CHOICES[name]} if name in CHOICES else {"minLength": 1})},
        }
        for name in _PLACE.findall(route.path)
    ]


def _query(route: Route, refs: Any, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """An empty value counts as left out."""
    if route.query is None:
        return []
    schema = schemas[_named(refs[route.query, "validation"])]
    required = schema.get("required", [])
    return [_parameter(name, one, required=name in required) for name, one in schema.get("properties", {}).items()]


def _parameter(name: str, schema: Mapping[str, Any], *, required: bool) -> dict[str, Any]:
    # There is no null in a query string: what may be null in the model is left out.
    options = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in {"anyOf", "title", "description", "default"}}
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    found = {
        "name": name,
        "in": "query",
        "required": required,
        "schema": rest | (options[0] if len(options) == 1 else {"anyOf": options} if options else {}),
    }
    about = schema.get("description") or QUERIES.get(name)
    if about:
        found["description"] = about
    return found if required else found | {"allowEmptyValue": True}


def _headers(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
        for name, text in route.headers.items()
    ]


def _answer(route: Route, status: int, refs: Any) -> dict[str, Any]:
    answer = route.answers.get(status)
    if answer is None:
        return {"$ref": f"#/components/responses/{_problem_name(route, status)}"}
    said: dict[str, Any] = {"description": answer.says or HTTPStatus(status).phrase}
    if answer.headers:
        said["headers"] = {
            name: {"description": text, "required": True, "schema": {"type": "string"}}
            for name, text in answer.headers.items()
        }
    if answer.model is not None:
        said["content"] = {"application/json": {"schema": refs[answer.model, "serialization"]}}
    elif answer.content_types:
        kinds = answer.content_types
        said["content"] = {
            kind: {"schema": {"type": "object" if kind == "application/json" else "string"}} for kind in kinds
        }
    if status == 400:
        # What cannot be read as HTTP never comes as far as a page.
        said["content"]["application/problem+json"] = _problem_content(400)
    return said


def _problem_name(route: Route, status: int) -> str:
    """A 401 about a token says how to send one; a delivery's has another cause."""
    return f"Problem{status}Delivery" if status == 401 and route.tag == "hooks" else f"Problem{status}"


def _problems(listed: Iterable[Route]) -> dict[str, Any]:
    """An answer for each status: the problems that have it."""
    found = {}
    for route in listed:
        for status in route.statuses:
            name = _problem_name(route, status)
            if status not in route.answers and name not in found:
                found[name] = _problem(status, is_token=status == 401 and name == "Problem401")
    return dict(sorted(found.items()))


def _problem(status: int, *, is_token: bool) -> dict[str, Any]:
    headers = _PROBLEM_HEADERS.get(status, {})
    if is_token:
        text = "Send a token as this says"
        headers = {"WWW-Authenticate": {"description": text, "required": True, "schema": {"type": "string"}}}
    return {
        "description": "; ".join(title for code, title in CATALOGUE.values() if code == status),
        **({"headers": headers} if headers else {}),
        "content": {"application/problem+json": _problem_content(status)},
    }


def _problem_content(status: int) -> dict[str, Any]:
    slugs = [f"/problems/{slug}" for slug, (code, _) in CATALOGUE.items() if code == status]
    narrowed = {"properties": {"type": {"enum": slugs}, "status": {"const": status}}}
    return {"schema": {"allOf": [{"$ref": _REF.format(model="Problem")}, narrowed]}}


def _named(reference: Mapping[str, str]) -> str:
    return reference["$ref"].rsplit("/", 1)[1]


async def show_openapi(request: web.Request) -> web.Response:
    """This API, as OpenAPI 3.1, built once. Needs no token: it says nothing about this installation."""
    table = request.app[ROUTES]
    if not table.described:
        found = await asyncio.to_thread(document, table.routes, request.app[DESK].version)
        table.described = json.dumps(found).encode()
    return web.Response(body=table.described, content_type="application/json")
