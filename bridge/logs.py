"""Log lines: one event name, `order`, `connection`, `because`; JSON or console; secrets never."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(r"(secret|token|password|authorization|credential|api_key|app_key|consumer_key)", re.IGNORECASE)
_IN_TEXT = re.compile(
    r"((?:app_secret|access_token|refresh_token|auth_code|oauth_[a-z_]+|sign|password)=)[^&\s\"']+", re.IGNORECASE
)


def _hide(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last line of defence: a value under a secret's name, or in a URL's query, does not reach the log."""
    for name, value in list(event.items()):
        if _SECRET.search(name) and value is not None:
            event[name] = "hidden"
        elif isinstance(value, str) and "=" in value:
            event[name] = _IN_TEXT.sub(r"\1hidden", value)
    return event


def configure(log_format: str, level: str) -> None:
    """Set up structlog and the standard library's logging, which libraries use, to write the same lines to stderr."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.types.Processor] = (
        [structlog.processors.format_exc_info, _hide, structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.processors.format_exc_info, _hide, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # Kept loggers would outlive a change of the configuration; lines are few, deliveries are counted instead.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries tell all they handle, whatever it is: oauthlib's debug lines hold keys and tokens, aiohttp's
    # access log every path. Only their warnings are written, at any level of ours.
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()]))
    logging.getLogger("bridge").setLevel(level.upper())
