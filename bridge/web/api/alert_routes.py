"""The routes about alerts."""

from __future__ import annotations

from typing import Final

from bridge.web.api import alert_models as m
from bridge.web.api import alerts
from bridge.web.routes import Answer, Route

ROUTES: Final = (
    Route(
        "GET",
        "/api/v1/alert-targets",
        alerts.list_alert_targets,
        "Who is told of what needs attention; never their secrets",
        {200: Answer(m.AlertTargetList)},
    ),
    Route(
        "POST",
        "/api/v1/alert-targets",
        alerts.add_alert_target,
        "Tell an e-mail address or a webhook from now on",
        {201: Answer(m.AlertTargetOut)},
        body=m.NewAlertTarget,
        notes="A webhook is signed as Standard Webhooks says; its secret is shown in this answer only. What stands "
        "open already is not told.",
    ),
    Route(
        "GET",
        "/api/v1/alert-targets/{target}",
        alerts.show_alert_target,
        "One target, and how its last message went",
        {200: Answer(m.AlertTargetOut)},
        problems=(404,),
    ),
    Route(
        "PATCH",
        "/api/v1/alert-targets/{target}",
        alerts.change_alert_target,
        "Rename it, choose its kinds, switch it off or on",
        {200: Answer(m.AlertTargetOut)},
        problems=(404,),
        body=m.AlertTargetChange,
    ),
    Route(
        "DELETE",
        "/api/v1/alert-targets/{target}",
        alerts.remove_alert_target,
        "Tell it nothing more",
        {204: Answer(says="Gone")},
        problems=(404,),
    ),
    Route(
        "POST",
        "/api/v1/alert-targets/{target}/test",
        alerts.test_alert_target,
        "Send a test now, and say what came of it",
        {200: Answer(m.AlertTested)},
        problems=(404, 409),
    ),
    Route(
        "GET",
        "/api/v1/alerts",
        alerts.list_alerts,
        "What was told, and what is still to be",
        {200: Answer(m.AlertPage)},
        query=m.AlertQuery,
    ),
)
