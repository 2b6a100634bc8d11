"""The API does what its own description says: schemathesis makes requests of it, good and bad, and judges the answers.

A failure names the request and what was wrong with its answer; `SEED` makes the same requests again. More of them, with
other seeds, by hand: `FUZZ_EXAMPLES=300 FUZZ_SEED=2 python -m pytest …` (minutes).
"""

from __future__ import annotations

import asyncio
import copy
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog

from bridge.storage.api_tokens import included
from bridge.storage.engine import Database
from tests.integration.web.fuzzing import Found, filled_in, fuzz
from tests.integration.web.house import TOKEN
from tests.integration.web.lived_in import LivedIn, lived_in

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
TYPICAL = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 415, 422}
"""Statuses that must come up, or the requests do not reach what they are meant for."""


@pytest.fixture
async def home(sqlite_database: Database) -> AsyncIterator[LivedIn]:
    async with lived_in(sqlite_database) as found:
        yield found


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of lines of the access log help nobody."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def _description(home: LivedIn) -> dict[str, Any]:
    found: dict[str, Any] = (await home.house.ask("GET", "/api/v1/openapi.json", token=False)).json
    return found


async def _fuzzed(home: LivedIn, document: dict[str, Any], examples: int) -> Found:
    filled = filled_in(document, home.ids)
    return await asyncio.to_thread(fuzz, filled, home.house.url, TOKEN, examples=examples, seed=SEED)


@pytest.mark.timeout(0 if EXAMPLES > 3 else 120)
async def test_schemathesis_finds_nothing(home: LivedIn) -> None:
    document = await _description(home)
    found = await _fuzzed(home, document, EXAMPLES)
    assert not found.failures, "\n\n".join(found.failures[:20])
    offered = {f"{method.upper()} {path}" for path, of_it in document["paths"].items() for method in of_it}
    assert offered <= found.operations
    assert set(found.statuses) >= TYPICAL, found.statuses
    assert found.cases > 20 * len(offered)


async def test_a_description_that_says_something_else_is_found_out(home: LivedIn) -> None:
    """The test above can fail: a status, a type, a body that is taken, a token that is not asked for."""
    truth = await _description(home)
    lie = copy.deepcopy(truth)
    paths = {path: lie["paths"][path] for path in ("/api/v1/openapi.json", "/api/v1/jobs/{job}", "/api/v1/tokens")}
    lie["paths"] = paths
    paths["/api/v1/openapi.json"]["get"]["security"] = [{"token": ["read"]}]
    del paths["/api/v1/jobs/{job}"]["get"]["responses"]["404"]
    lie["components"]["schemas"]["TokenOut"]["properties"]["name"] = {"type": "integer"}
    del paths["/api/v1/tokens"]["post"]["responses"]["201"]
    failures = "\n".join((await _fuzzed(home, lie, 2)).failures)
    for word in (
        "without authentication",
        "Undocumented status code: Received: 404",
        "Received: 201",
        "violates schema",
    ):
        assert word in failures


async def test_every_operation_takes_the_scope_it_names_and_no_other(home: LivedIn) -> None:
    for path, operations in (await _description(home))["paths"].items():
        for method, operation in operations.items():
            asked = re.sub(r"{(\w+)}", "nobody-s", path)
            for one in operation["security"]:
                for needed in one.get("token", []):
                    for scope, token in home.tokens.items():
                        headers = {"Authorization": f"Bearer {token}"}
                        query = "?connection=nobody-s" if {} in operation["security"] else ""
                        answer = await home.house.ask(method.upper(), asked + query, token=False, headers=headers)
                        refused = answer.status == 403
                        assert refused == (needed not in included([scope])), (method, path, scope, answer.text)
