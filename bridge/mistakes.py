"""Where a mistake of our own happened, told without reading a file: the event loop goes on meanwhile."""

from __future__ import annotations

import traceback
from typing import Any

_MOST = 12


def frames(mistake: BaseException) -> list[str]:
    """The innermost places, the last one last."""
    walked = [
        f"{frame.f_code.co_filename.rpartition('/bridge/')[2] or frame.f_code.co_filename}:{line} "
        f"{frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(mistake.__traceback__)
    ]
    return walked[-_MOST:]


def told(mistake: BaseException) -> dict[str, Any]:
    """What a log line says of it: its words and its places."""
    return {"error": f"{type(mistake).__name__}: {mistake}", "frames": frames(mistake)}


def place(mistake: BaseException) -> str:
    """What failed and where. Not its words: they may quote what a remote said, people's data among it."""
    ours = [
        f"{frame.f_code.co_filename.rpartition('/bridge/')[2]}:{line} {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(mistake.__traceback__)
        if "/bridge/" in frame.f_code.co_filename
    ]
    return f"{type(mistake).__name__} at {ours[-1]}" if ours else type(mistake).__name__
