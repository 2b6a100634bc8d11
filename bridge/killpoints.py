"""The places between any two steps where the process may die, named, so that a test can kill it at each.

`reach` costs one comparison in normal operation. With `BRIDGE_KILL_POINT=<name>` in the environment the process ends
itself with SIGKILL when it first comes there: no handler runs, no buffer is flushed, as in a power cut.
With `<name>:N` it is the N-th time.
"""

from __future__ import annotations

import os
import signal
from enum import StrEnum


class KillPoint(StrEnum):
    HOOK_VERIFIED = "hook.verified"
    HOOK_COMMITTED = "hook.committed"
    WORK_CLAIMED = "work.claimed"
    HINT_RESOLVED = "hint.resolved"
    READ_DONE = "read.done"
    CREATE_PLANNED = "create.planned"
    CREATE_CLAIMED = "create.claimed"
    CREATE_ANSWERED = "create.answered"
    CREATE_CONFIRMED = "create.confirmed"
    CREATE_RECORDED = "create.recorded"
    INVOICE_CLAIMED = "invoice.claimed"
    INVOICE_ANSWERED = "invoice.answered"
    INVOICE_CONFIRMED = "invoice.confirmed"
    INVOICE_RECORDED = "invoice.recorded"
    REFUND_CLAIMED = "refund.claimed"
    REFUND_ANSWERED = "refund.answered"
    REFUND_CONFIRMED = "refund.confirmed"
    REFUND_RECORDED = "refund.recorded"
    CANCEL_CLAIMED = "cancel.claimed"
    CANCEL_ANSWERED = "cancel.answered"
    CANCEL_CONFIRMED = "cancel.confirmed"
    CANCEL_RECORDED = "cancel.recorded"
    CANCEL_LINES_CLAIMED = "cancel_lines.claimed"
    CANCEL_LINES_ANSWERED = "cancel_lines.answered"
    CANCEL_LINES_CONFIRMED = "cancel_lines.confirmed"
    CANCEL_LINES_RECORDED = "cancel_lines.recorded"
    APPROVE_CLAIMED = "approve.claimed"
    APPROVE_ANSWERED = "approve.answered"
    APPROVE_CONFIRMED = "approve.confirmed"
    APPROVE_RECORDED = "approve.recorded"
    REJECT_CLAIMED = "reject.claimed"
    REJECT_ANSWERED = "reject.answered"
    REJECT_CONFIRMED = "reject.confirmed"
    REJECT_RECORDED = "reject.recorded"
    HOLD_CLAIMED = "hold.claimed"
    HOLD_ANSWERED = "hold.answered"
    HOLD_CONFIRMED = "hold.confirmed"
    HOLD_RECORDED = "hold.recorded"
    RELEASE_CLAIMED = "release.claimed"
    RELEASE_ANSWERED = "release.answered"
    RELEASE_CONFIRMED = "release.confirmed"
    RELEASE_RECORDED = "release.recorded"
    WORK_RELEASING = "work.releasing"
    WORK_RELEASED = "work.released"
    ALERT_CLAIMED = "alert.claimed"
    ALERT_SENT = "alert.sent"


def _armed() -> tuple[str, int]:
    text = os.environ.get("BRIDGE_KILL_POINT", "")
    if not text:
        return "", 0
    name, _, count = text.partition(":")
    return KillPoint(name).value, int(count or "1")


_NAME, _LEFT = _armed()


def reach(point: KillPoint) -> None:
    """Say that the process came to this point."""
    if _NAME and point.value == _NAME:
        _count_down()


def _count_down() -> None:
    global _LEFT  # noqa: PLW0603 -- one process dies once; the count belongs to the process
    _LEFT -= 1
    if _LEFT == 0:
        os.kill(os.getpid(), signal.SIGKILL)
