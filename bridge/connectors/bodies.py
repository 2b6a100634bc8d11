"""The body of an answer, read no further than any answer of use is long: what comes is held in memory whole."""

from __future__ import annotations

from typing import Final

import aiohttp

MOST_BYTES: Final = 32 * 1024 * 1024


class TooLong(aiohttp.ClientError):
    """The answer had not ended after this much of it."""


async def read_body(response: aiohttp.ClientResponse) -> bytes:
    """Raises `TooLong`, besides what aiohttp raises. The size is that of the content, whatever it was packed into."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_chunked(65_536):
        size += len(part)
        if size > MOST_BYTES:
            raise TooLong(f"the answer is larger than {MOST_BYTES // 1024**2} MB; reading it was given up")
        parts.append(part)
    return b"".join(parts)
