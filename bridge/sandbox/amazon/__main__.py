"""`python -m bridge.sandbox.amazon --port 9400`: serve until interrupted; one JSON line says where."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from aiohttp import web

from bridge.sandbox.amazon.app import create_app
from bridge.sandbox.amazon.state import MARKETPLACE, AmazonSandbox


async def _serve(host: str, port: int, marketplace: str) -> None:
    box = AmazonSandbox(marketplace_id=marketplace)
    runner = web.AppRunner(create_app(box), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        url = f"http://{host if ':' not in host else f'[{host}]'}:{runner.addresses[0][1]}"
        ready = {
            "url": url,
            "token_url": f"{url}/auth/o2/token",
            "client_id": box.tokens.client_id,
            "client_secret": box.tokens.client_secret,
            "refresh_token": box.tokens.refresh_token,
            "marketplace_id": box.marketplace_id,
        }
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows: interrupted by KeyboardInterrupt instead
                loop.add_signal_handler(number, stop.set)
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bridge.sandbox.amazon",
        description="An Amazon seller's multi-channel fulfilment as a local server with made-up data.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--marketplace", default=MARKETPLACE, help="the seller's marketplace id")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.host, arguments.port, arguments.marketplace))


if __name__ == "__main__":
    main()
