"""The routes of the check after a restore."""

from __future__ import annotations

from typing import Final

from bridge.web.api import restore_check
from bridge.web.api import restore_check_models as r
from bridge.web.routes import Answer, Route

ROUTES: Final = (
    Route(
        "POST",
        "/api/v1/restore-check",
        restore_check.begin_restore_check,
        "Pause all effects and look at everything, after a restore from a backup",
        {202: Answer(r.RestoreCheckOut)},
        body=r.NewRestoreCheck,
        notes="One that runs goes on. Effects rest in every process until resume.",
    ),
    Route(
        "GET",
        "/api/v1/restore-check",
        restore_check.show_restore_check,
        "How the check stands: orders looked at, effects that would follow, what is held, what was found",
        {200: Answer(r.RestoreCheckOut)},
    ),
    Route(
        "POST",
        "/api/v1/restore-check/resume",
        restore_check.resume_restore_check,
        "Let effects go on",
        {200: Answer(r.RestoreCheckOut)},
        problems=(409,),
        body=r.ResumeRestoreCheck,
    ),
)
