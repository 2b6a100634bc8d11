"""Ask a store whether it keeps the contract: `python -m plugin_contract.conformance URL [--write] [--json]`.

Reads the version report and the registrations. With `--write` it also registers a throw-away webhook of a topic
nothing emits, reads it back and deletes it; nothing is ever delivered to it. Credentials come from the environment:
MAGENTO_CONSUMER_KEY, MAGENTO_CONSUMER_SECRET, MAGENTO_ACCESS_TOKEN and MAGENTO_ACCESS_TOKEN_SECRET, or
MAGENTO_BEARER_TOKEN. Exit code 0: the contract is kept. 1: it is not, or the store did not answer. 2: wrong use.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import aiohttp

from plugin_contract import registration, report
from plugin_contract.caller import Answer, Caller, Method, NoCredentials, credentials
from plugin_contract.fields import ContractError
from plugin_contract.registration import RegisterRequest, Registration, Wanted, read_registration, read_registrations
from plugin_contract.versions import capabilities

THROW_AWAY_TOPIC = "conformance/check"
UNREACHABLE_ADDRESS = "https://conformance.invalid/hooks"  # RFC 2606: never resolves

Call = Callable[[Method, str, bytes | None], Awaitable[Answer]]


class Verdict(StrEnum):
    """How one check ended."""

    KEPT = "kept"
    BROKEN = "broken"
    NOTE = "note"  # nothing the contract forbids; worth knowing
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """One line of the report."""

    check: str
    verdict: Verdict
    detail: str


async def check(call: Call, *, write: bool, nonce: str) -> list[Finding]:
    """Run the checks in order. A broken one does not stop the next. `nonce` makes the throw-away's app key unique."""
    findings: list[Finding] = []
    steps: list[Callable[[], Awaitable[list[Finding]]]] = [
        lambda: _version(call),
        lambda: _listing(call),
        lambda: _unknown_id(call, "GET", nonce),
    ]
    names = ["version report", "list of registrations", "unknown id, GET"]
    if write:
        steps += [lambda: _unknown_id(call, "DELETE", nonce), lambda: _refusal(call), lambda: _round_trip(call, nonce)]
        names += ["unknown id, DELETE", "registration without topic", "throw-away webhook"]
    for name, step in zip(names, steps, strict=True):
        try:
            findings += await step()
        except ContractError as error:
            findings.append(Finding(name, Verdict.BROKEN, str(error)))
    if not write:
        findings.append(Finding("throw-away webhook", Verdict.SKIPPED, "add --write to register and delete one"))
    return findings


def _must(answer: Answer, status: int = 200) -> Answer:
    if answer.status != status:
        raise ContractError(f"answered {answer.status} where {status} is due: {answer.text.strip()[:200]}")
    return answer


async def _version(call: Call) -> list[Finding]:
    name = "version report"
    found = report.read_report(_must(await call("GET", report.PATH, None)).json())
    judged = capabilities(found.reported)
    able = ", ".join(f"{what}: {can}" for what, can in judged.capabilities.model_dump(mode="json").items())
    ordered = Verdict.KEPT if judged.may_be else Verdict.BROKEN
    lines = [Finding(name, ordered, f"reports {found.reported or 'no version'}; {able}")]
    lines += [Finding("warning", Verdict.NOTE, warning) for warning in judged.warnings]
    lines.append(Finding("restock", Verdict.NOTE, judged.restock.because))
    if found.lacking:
        lines.append(Finding("permissions", Verdict.NOTE, f"this integration lacks {', '.join(found.lacking)}"))
    return lines


async def _stored(call: Call) -> tuple[Registration, ...]:
    return read_registrations(_must(await call("GET", registration.PATH, None)).json())


async def _listing(call: Call) -> list[Finding]:
    stored = await _stored(call)
    per_topic = Counter(one.topic for one in stored)
    owners = {one.integration_id for one in stored}
    lines = [Finding("list of registrations", Verdict.KEPT, f"{len(stored)} stored by {len(owners)} integrations")]
    lines += [
        Finding("topic", Verdict.NOTE, f"{topic}: {count} registered") for topic, count in sorted(per_topic.items())
    ]
    if len(owners) > 1:
        advice = (
            "if one of these integrations was deleted, later registrations of its topics get nothing: delete its own"
        )
        lines.append(Finding("several integrations", Verdict.NOTE, advice))
    return lines


async def _unknown_id(call: Call, method: Method, nonce: str) -> list[Finding]:
    body = _must(await call(method, f"{registration.PATH}/no-such-id-{nonce}", None)).json()
    if body != []:
        raise ContractError(f"answered {json.dumps(body)[:200]} where [] is due")
    return [Finding(f"unknown id, {method}", Verdict.KEPT, "answers []")]


async def _refusal(call: Call) -> list[Finding]:
    body = {"webhook": {"address": UNREACHABLE_ADDRESS, "app_key": "conformance"}}
    _must(await call("POST", registration.PATH, json.dumps(body).encode()), 400)
    return [Finding("registration without topic", Verdict.KEPT, "refused with 400")]


async def _round_trip(call: Call, nonce: str) -> list[Finding]:
    wanted = Wanted(topic=THROW_AWAY_TOPIC, app_key=f"conformance-{nonce}", address=UNREACHABLE_ADDRESS)
    try:
        lines = await _register(call, wanted)
    except ContractError:
        await _clear(call, wanted)
        raise
    path = f"{registration.PATH}/{wanted.stored_id}"
    if read_registration(_must(await call("DELETE", path, None)).json()) is None:
        raise ContractError("DELETE of the throw-away answered [] where the deleted webhook is due")
    if read_registration(_must(await call("GET", path, None)).json()) is not None:
        raise ContractError(f"the throw-away {wanted.stored_id} is still stored after DELETE: delete it by hand")
    return [*lines, Finding("delete", Verdict.KEPT, "answers the deleted webhook; then GET answers []")]


async def _clear(call: Call, wanted: Wanted) -> None:
    """Leave nothing behind in a store that broke the contract, whatever id it chose; the app key is ours alone."""
    left = {one.id for one in await _stored(call) if one.app_key == wanted.app_key}
    for name in sorted(left | {wanted.stored_id}):
        await call("DELETE", f"{registration.PATH}/{quote(name, safe='')}", None)


async def _register(call: Call, wanted: Wanted) -> list[Finding]:
    body = RegisterRequest.of(wanted).body()
    first = read_registration(_must(await call("POST", registration.PATH, body)).json())
    if first is None or first.id != wanted.stored_id:
        raise ContractError(f"registered under {first and first.id}, not under the computed id {wanted.stored_id}")
    if (first.topic, first.app_key, first.address) != (wanted.topic, wanted.app_key, wanted.address):
        raise ContractError("the answer to a registration is not what was registered")
    if first.integration_id is None:
        raise ContractError("the answer to a registration names no integration_id")
    again = read_registration(_must(await call("POST", registration.PATH, body)).json())
    if again != first:
        raise ContractError("the same registration again got another answer")
    held = [one for one in await _stored(call) if one.id == first.id]
    if held != [first]:
        raise ContractError(f"registered twice, stored {len(held)} times, where one copy as answered is due")
    if read_registration(_must(await call("GET", f"{registration.PATH}/{first.id}", None)).json()) != first:
        raise ContractError("GET by id differs from the answer to the registration")
    return [Finding("register", Verdict.KEPT, f"id as computed; signed by integration {first.integration_id}")]


def render(url: str, findings: Sequence[Finding], *, as_json: bool) -> str:
    """The report as text, or as JSON."""
    kept = not any(one.verdict is Verdict.BROKEN for one in findings)
    if as_json:
        return (
            json.dumps({"store": url, "kept": kept, "findings": [one._asdict() for one in findings]}, indent=2) + "\n"
        )
    lines = [f"{one.verdict.value:8}{one.check}: {one.detail}" for one in findings]
    end = "The store keeps the contract." if kept else "The store does not keep the contract."
    return "\n".join([url, *lines, end]) + "\n"


async def run(url: str, environment: Mapping[str, str], *, write: bool) -> list[Finding]:
    """Check the store at `url`. Raises NoCredentials."""
    access = credentials(environment)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        return await check(Caller(session, url, access), write=write, nonce=secrets.token_hex(8))


def main(argv: Sequence[str] | None = None) -> int:
    """The command; answers the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m plugin_contract.conformance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", help="the store's address, for example https://shop.example.com")
    parser.add_argument("--write", action="store_true", help="also register, read and delete a throw-away webhook")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(argv)
    parts = urlsplit(options.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
        parser.error("the URL is http(s)://host, without user, query or fragment")
    try:
        findings = asyncio.run(run(options.url, os.environ, write=options.write))
    except NoCredentials as error:
        parser.error(str(error))
    sys.stdout.write(render(options.url, findings, as_json=options.json))
    return 1 if any(one.verdict is Verdict.BROKEN for one in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
