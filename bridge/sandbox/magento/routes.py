"""The table of REST routes: method, path, the resource a caller needs, and what answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bridge.sandbox.magento.integrations import Caller
from bridge.sandbox.magento.state import MagentoSandbox, Store
from bridge.sandbox.magento.wire import json_answer


@dataclass(frozen=True)
class Call:
    """One authenticated REST call. `parts` are the placeholders of the path, decoded."""

    box: MagentoSandbox
    caller: Caller
    store: Store
    base_url: str
    query: str
    body: Any
    behaviour: str | None
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    value: Any
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        return json_answer(self.value, headers=self.headers)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: re.Pattern[str]
    resource: str
    handler: Handler
    of_plugin: bool = False

    @property
    def of_inventory(self) -> bool:
        """Part of Magento's inventory modules (MSI), which a store may have switched off."""
        return self.pattern.pattern.startswith("inventory/")


def route(method: str, path: str, resource: str, handler: Handler, *, of_plugin: bool = False) -> Route:
    """`path` without `/V1/`; `:name` stands for one segment."""
    return Route(method, re.compile(re.sub(r":\w+", "([^/]+)", path)), resource, handler, of_plugin)
