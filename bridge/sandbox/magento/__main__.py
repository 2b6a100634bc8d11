"""`python -m bridge.sandbox.magento --port P --plugin 1.0.26`: prints one JSON line with its URL when it is ready."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from aiohttp import web

from bridge.sandbox.magento import MagentoSandbox, create_app
from bridge.sandbox.magento.plugin import RELEASES


async def serve(host: str, port: int, plugin: str | None, *, bearer: bool) -> None:
    """Serve until the process is told to stop."""
    runner = web.AppRunner(create_app(MagentoSandbox(plugin, bearer_allowed=bearer)), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    bound = runner.addresses[0][1]
    sys.stdout.write(json.dumps({"url": f"http://{host}:{bound}/", "plugin": plugin}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bridge.sandbox.magento", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--plugin", default="1.0.26", choices=[*RELEASES, "none"])
    parser.add_argument("--bearer", action="store_true", help="allow integration tokens as bearer tokens")
    given = parser.parse_args()
    plugin = None if given.plugin == "none" else given.plugin
    asyncio.run(serve(given.host, given.port, plugin, bearer=given.bearer))


if __name__ == "__main__":
    main()
