"""Every channel platform's bench, by kind. A further platform is one line more here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from tests.contract.channel.channel_bench import ChannelBench
from tests.contract.channel.tiktok_bench import open_tiktok

BENCHES: Final[Mapping[str, Callable[[], AbstractAsyncContextManager[ChannelBench]]]] = {"tiktok": open_tiktok}
