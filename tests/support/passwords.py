"""A hasher for tests, which hash hundreds of passwords: the real one takes a fifth of a second of processor time each.

What the real one asks of whoever guesses is held by tests/unit/web/test_passwords.py.
"""

from __future__ import annotations

from argon2 import PasswordHasher


def quick() -> PasswordHasher:
    return PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
