"""Passwords of users: argon2id hashes, made and checked beside the loop, a few at a time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bridge.web.problems import Problem

SHORTEST: Final = 10
LONGEST: Final = 200
"""Characters. Long ones cost nothing in argon2; a bound keeps a request from being a megabyte of password."""
_POOL: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
"""Each hash takes 64 MiB and a core for some 50 ms: strangers who try passwords do not get to stop the settling."""
_hasher: Final = PasswordHasher()
PLACES: Final = 20
"""So many passwords of visitors wait at once: the last of them for a second or two, and no longer queue is made."""
_waiting: Final[set[object]] = set()


def wrong(password: str, name: str = "") -> str:
    """What is wrong with a new password; empty when it may be used."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters; a sentence is easy to remember."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if name and password.strip().casefold() == name.strip().casefold():
        return "The password must not be the name."
    return "" if len(set(password)) > 3 else "Use more than three different characters."


def made_up() -> str:
    """A first password: 100 bits, readable."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


@contextmanager
def place() -> Iterator[None]:
    """A visitor's place in the queue, to be held while a password is looked at. Raises `Problem` 429 for none left."""
    if len(_waiting) >= PLACES:
        detail = "Too many sign in at this moment, so the password was not looked at. Try again in a few seconds."
        raise Problem("busy", detail, headers={"Retry-After": "5"})
    mine = object()
    _waiting.add(mine)
    try:
        yield
    finally:
        _waiting.discard(mine)


async def hashed(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_POOL, partial(_hasher.hash, password))


async def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password behind the hash. Without a hash (no such user) the same time is spent."""
    found = await asyncio.get_running_loop().run_in_executor(_POOL, partial(_verify, stored, password))
    return found and stored is not None


def is_outdated(stored: str) -> bool:
    """The hash was made with weaker parameters than today's."""
    try:
        return _hasher.check_needs_rehash(stored)
    except InvalidHashError:
        return False


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))


def _verify(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
