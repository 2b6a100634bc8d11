"""What a stored password asks of whoever guesses it."""

from __future__ import annotations

import re

from bridge.web import passwords


async def test_a_hash_is_argon2id_with_no_less_memory_and_time_than_rfc_9106_says_for_servers() -> None:
    stored = await passwords.hashed("a sentence to remember")
    found = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", stored)
    assert found, stored
    memory, time, lanes = map(int, found.groups())
    assert (memory >= 65_536, time >= 3, lanes >= 4) == (True, True, True), "section 4, the second recommended option"
    assert await passwords.matches(stored, "a sentence to remember")
    assert not await passwords.matches(stored, "another sentence")
    assert not await passwords.matches(None, "a sentence to remember")
    assert not passwords.is_outdated(stored)
