"""GraphQL, executed against the schema that this folder holds; 2026-07 and older without the job's result."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    build_ast_schema,
    get_directive_values,
    parse,
    validate,
)
from graphql.execution import execute_sync

from bridge.sandbox.shopify import cancelling
from bridge.sandbox.shopify.bucket import actual_cost, requested_cost
from bridge.sandbox.shopify.mutations import IDEMPOTENCY_KEY, MUTATIONS
from bridge.sandbox.shopify.queries import QUERIES, Resolver
from bridge.sandbox.shopify.state import ShopifySandbox
from bridge.sandbox.shopify.tokens import Token
from bridge.sandbox.shopify.wire import Json, refused

SDL = Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8")
JOB_RESULTS_SINCE = "2026-10"
REQUIRES_KEY_SINCE = "2026-04"
_SINCE = {("OrderCancelPayload", "jobResult")}
_TYPES_SINCE = {"OrderCancelJobResult", "OrderCancelStatus"}


@cache
def schema(*, job_results: bool = True) -> GraphQLSchema:
    """The schema with its resolvers. Everything below the roots is found by name in what they answer."""
    document = parse(SDL)
    if not job_results:
        document = DocumentNode(definitions=tuple(_without(one) for one in document.definitions if _is_old(one)))
    made = build_ast_schema(document)
    for root, table in ((made.query_type, QUERIES), (made.mutation_type, MUTATIONS)):
        assert root is not None
        for name, (scope, work) in table.items():
            root.fields[name].resolve = _resolver(made, name, scope, work)
    return made


def _is_old(one: Any) -> bool:
    return getattr(getattr(one, "name", None), "value", None) not in _TYPES_SINCE


def _without(one: Any) -> Any:
    if not isinstance(one, ObjectTypeDefinitionNode):
        return one

    def stays(field: FieldDefinitionNode) -> bool:
        return (one.name.value, field.name.value) not in _SINCE

    return ObjectTypeDefinitionNode(
        name=one.name,
        interfaces=one.interfaces,
        directives=one.directives,
        fields=tuple(field for field in one.fields or () if stays(field)),
    )


def _resolver(made: GraphQLSchema, name: str, scope: str | None, work: Resolver) -> Any:
    def resolve(_root: Any, info: GraphQLResolveInfo[Any], **args: Any) -> Any:
        box, token = info.context
        if scope is not None and scope not in token.scopes:
            raise refused(
                f"Access denied for {name} field. Required access: `{scope}` access scope.",
                "ACCESS_DENIED",
                requiredAccess=f"`{scope}` access scope.",
            )
        directive = made.get_directive("idempotent")
        assert directive is not None
        given = get_directive_values(directive, info.field_nodes[0], info.variable_values)
        if given is not None:
            args[IDEMPOTENCY_KEY] = given["key"]
        return work(box, args)

    return resolve


class Throttled(Exception):
    """The bucket holds too little; nothing was done."""

    def __init__(self, body: Json) -> None:
        super().__init__("Throttled")
        self.body = body


def run(box: ShopifySandbox, token: Token, version: str, query: str, variables: Json, name: str | None) -> Json:
    """The answer's body. Raises `Throttled`."""
    cancelling.run_due(box)
    made = schema(job_results=version >= JOB_RESULTS_SINCE)
    try:
        document = parse(query)
    except GraphQLError as problem:
        return {"errors": [_shown(problem)]}
    wrong = validate(made, document)
    if wrong:
        return {"errors": [_shown(one) for one in wrong]}
    found = _operation(document, name)
    if isinstance(found, str):
        return {"errors": [{"message": found}]}
    asked = requested_cost(document, found, variables)
    most = box.settings.query_maximum
    if most is not None and asked > most:
        message = f"Query cost is {asked}, which exceeds the single query max cost limit ({most})."
        return {"errors": [{"message": message, "extensions": {"code": "MAX_COST_EXCEEDED", "cost": asked}}]}
    asked = min(asked, int(box.settings.bucket_size))
    if not box.bucket.take(asked):
        raise Throttled(
            {
                "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
                "extensions": {"cost": _cost(box, asked, None)},
            }
        )
    box.search_warnings = []
    result = execute_sync(made, document, context_value=(box, token), variable_values=variables, operation_name=name)
    charged = min(asked, actual_cost(result.data, mutation=found.operation is OperationType.MUTATION))
    box.bucket.give_back(asked - charged)
    body: Json = {"data": result.data}
    if result.errors:
        body["errors"] = [_shown(one) for one in result.errors]
    body["extensions"] = {"cost": _cost(box, asked, charged)}
    if box.search_warnings:
        body["extensions"]["search"] = [
            {"warnings": [{"field": one, "message": "Invalid search field for this query.", "code": "invalid_field"}]}
            for one in box.search_warnings
        ]
    return body


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | str:
    """The operation to run, or why there is none."""
    found = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if name is not None:
        found = [one for one in found if one.name is not None and one.name.value == name]
    if len(found) != 1:
        return "An operation name is required" if found else f"No operation named {name!r}"
    return found[0]


def _cost(box: ShopifySandbox, asked: int, charged: int | None) -> Json:
    return {"requestedQueryCost": asked, "actualQueryCost": charged, "throttleStatus": box.bucket.status()}


def _shown(problem: GraphQLError) -> Json:
    """An error as Shopify writes it. One that is no refusal is a fault of the sandbox and must not look like one."""
    if problem.original_error is not None and not isinstance(problem.original_error, GraphQLError):
        raise problem.original_error
    return dict(problem.formatted)
