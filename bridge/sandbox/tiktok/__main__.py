"""`python -m bridge.sandbox.tiktok --port 9100`: serve until interrupted; one JSON line says where."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from aiohttp import web

from bridge.sandbox.tiktok.app import create_app
from bridge.sandbox.tiktok.model import App
from bridge.sandbox.tiktok.sandbox import TikTokSandbox


async def _serve(host: str, port: int, redirect_url: str | None) -> None:
    box = TikTokSandbox(app=App(redirect_url=redirect_url) if redirect_url else None)
    grant = box.tokens.grant(list(box.shops))
    runner = web.AppRunner(create_app(box))
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0]
        ready = {
            "url": f"http://{host if ':' not in host else f'[{host}]'}:{bound[1]}",
            "app_key": box.app.key,
            "app_secret": box.app.secret,
            "service_id": box.app.service_id,
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "shops": [shop.render() for shop in box.shops.values()],
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
        prog="python -m bridge.sandbox.tiktok",
        description="TikTok Shop's Open API as a local server with made-up data.",
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--redirect-url", help="where the consent page sends the browser back to")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(arguments.host, arguments.port, arguments.redirect_url))


if __name__ == "__main__":
    main()
