"""What a call costs, and the bucket it is paid from.

Source: shopify.dev, "Rate limits": an object is one point, a scalar none, a mutation ten; a connection costs its
objects and two more. Asked is what the document could bring at most; charged is what it brought.
"""

from __future__ import annotations

import time
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

from bridge.sandbox.shopify.settings import Settings
from bridge.sandbox.shopify.wire import Json

MUTATION = 10
CONNECTION = 2


class Bucket:
    """The app's points in this store."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held = settings.bucket_size
        self._at = time.monotonic()

    def _refill(self) -> None:
        now = time.monotonic()
        self._held = min(self._settings.bucket_size, self._held + (now - self._at) * self._settings.restore_rate)
        self._at = now

    def take(self, points: float) -> bool:
        """Pay in advance; False when there is not enough, and nothing is taken."""
        self._refill()
        if self._settings.throttle_next > 0:
            self._settings.throttle_next -= 1
            return False
        if points > self._held:
            return False
        self._held -= points
        return True

    def give_back(self, points: float) -> None:
        self._held = min(self._settings.bucket_size, self._held + points)

    def set(self, points: float) -> None:
        self._refill()
        self._held = min(self._settings.bucket_size, points)

    def status(self) -> Json:
        self._refill()
        return {
            "maximumAvailable": self._settings.bucket_size,
            "currentlyAvailable": int(self._held),
            "restoreRate": self._settings.restore_rate,
        }


def requested_cost(document: DocumentNode, operation: OperationDefinitionNode, variables: Json) -> int:
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}

    def pages(field: FieldNode) -> int | None:
        for argument in field.arguments or ():
            if argument.name.value not in {"first", "last"}:
                continue
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                given = variables.get(argument.value.name.value)
                return given if isinstance(given, int) else None
        return None

    def fields(selection: SelectionSetNode | None) -> list[FieldNode]:
        found: list[FieldNode] = []
        for one in selection.selections if selection else ():
            if isinstance(one, FieldNode):
                found.append(one)
            elif isinstance(one, InlineFragmentNode):
                found += fields(one.selection_set)
            elif isinstance(one, FragmentSpreadNode) and one.name.value in fragments:
                found += fields(fragments[one.name.value].selection_set)
        return found

    def cost(selection: SelectionSetNode | None) -> int:
        points = 0
        for field in fields(selection):
            if field.selection_set is None or field.name.value in {"pageInfo", "userErrors"}:
                continue
            below = cost(field.selection_set)
            count = pages(field)
            if count is None:
                points += 1 + below
            else:
                points += CONNECTION + count * max(1, below)
        return points

    return (MUTATION if operation.operation is OperationType.MUTATION else 0) + cost(operation.selection_set)


def actual_cost(data: Any, *, mutation: bool) -> int:
    """One point for each object that came, ten for a mutation."""

    def objects(value: Any) -> int:
        if isinstance(value, dict):
            return 1 + sum(objects(one) for one in value.values())
        if isinstance(value, list):
            return sum(objects(one) for one in value)
        return 0

    return MUTATION if mutation else max(0, objects(data) - 1)
