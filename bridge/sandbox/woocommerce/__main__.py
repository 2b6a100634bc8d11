"""`python -m bridge.sandbox.woocommerce --port 9500`: serve until interrupted; one JSON line says where."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from aiohttp import web

from bridge.sandbox.woocommerce.app import create_app
from bridge.sandbox.woocommerce.state import WooCommerceSandbox


async def _serve(host: str, port: int, currency: str) -> None:
    box = WooCommerceSandbox(currency=currency)
    runner = web.AppRunner(create_app(box), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        ready = {
            "url": f"http://{host if ':' not in host else f'[{host}]'}:{runner.addresses[0][1]}",
            "consumer_key": box.keys.key,
            "consumer_secret": box.keys.secret,
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
        prog="python -m bridge.sandbox.woocommerce",
        description="A WooCommerce store's REST API as a local server with made-up data.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--currency", default="USD", help="the store's currency")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.host, arguments.port, arguments.currency))


if __name__ == "__main__":
    main()
