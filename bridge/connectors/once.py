"""A call that is sent once: aiohttp repeats a PUT or DELETE by itself, and silently, when the connection broke.

Whoever books with PUT wants to know that nobody knows. Given as `middlewares` of the request.
"""

from __future__ import annotations

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse


class BrokenOff(aiohttp.ClientError):
    """The connection broke after it was made: what was sent may have arrived."""


async def once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Raises `BrokenOff` for what aiohttp would try again."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise  # never connected
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as problem:
        raise BrokenOff(type(problem).__name__) from None
