"""Gauges of how things stand in the database: the same from every process, so alarms take the greatest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from bridge.storage.standing import Standing

CAUSES = ("outage", "upgrade", "pending")
KINDS = ("create", "invoice", "refund", "cancel", "cancel_lines", "approve", "reject", "hold", "release")
ALERT_STATES = ("waiting", "sent", "failed", "dropped")


class StandingGauges:
    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, list(labels), registry=registry)

        self._paused = gauge("bridge_effects_paused", "1 while effects rest for the check after a restore")
        self._attention_oldest = gauge("bridge_attention_oldest_seconds", "Age of the oldest item waiting for a person")
        self._deadline = gauge(
            "bridge_attention_deadline_timestamp_seconds", "The nearest time by which an answer counts", "kind"
        )
        self._claims = gauge("bridge_claims_open", "Effects under way", "kind")
        self._claim_oldest = gauge("bridge_claim_oldest_seconds", "Age of the oldest effect under way")
        self._unknown = gauge("bridge_claims_unknown", "Effects under way whose outcome is awaited or not known")
        self._swept = gauge(
            "bridge_sweep_finished_timestamp_seconds",
            "When the shop or store that is furthest behind was last swept to its end",
            "stream",
        )
        self._audit = gauge("bridge_audit_finished_timestamp_seconds", "When the last daily audit ended; 0: not yet")
        self._connections = gauge("bridge_connections", "Connections by kind and state", "kind", "state")
        self._blocked = gauge("bridge_connections_blocked", "Connections that asked everybody to wait (429)")
        self._token = gauge("bridge_token_expiry_timestamp_seconds", "When the first access token ends", "kind")
        self._waiting = gauge("bridge_orders_waiting", "Orders that wait for something outside", "cause")
        self._waiting_oldest = gauge("bridge_orders_waiting_oldest_seconds", "For how long the first waits", "cause")
        self._alerts = gauge("bridge_alerts", "Messages to people by state", "state")

    def show(self, standing: Standing) -> None:
        def age(at: datetime | None) -> float:
            return 0.0 if at is None else max(0.0, (standing.now - at).total_seconds())

        self._paused.set(int(standing.paused))
        self._attention_oldest.set(age(standing.attention_oldest))
        _moments(self._deadline, standing.deadlines)
        for kind in {*KINDS, *standing.claims}:
            self._claims.labels(kind).set(standing.claims.get(kind, (0, standing.now))[0])
        self._claim_oldest.set(age(min((at for _, at in standing.claims.values()), default=None)))
        self._unknown.set(standing.unknown)
        _moments(self._swept, standing.swept)
        self._audit.set(standing.audit_ended.timestamp() if standing.audit_ended else 0)
        self._connections.clear()
        for (kind, state), count in standing.connections.items():
            self._connections.labels(kind, state).set(count)
        self._blocked.set(standing.blocked)
        _moments(self._token, standing.token_expiry)
        for cause in CAUSES:
            count, since = standing.waiting.get(cause, (0, standing.now))
            self._waiting.labels(cause).set(count)
            self._waiting_oldest.labels(cause).set(age(since))
        for state in ALERT_STATES:
            self._alerts.labels(state).set(standing.alerts.get(state, 0))


def _moments(gauge: Gauge, at: Mapping[str, datetime]) -> None:
    """Where there is no such time there is no such series."""
    gauge.clear()
    for label, moment in at.items():
        gauge.labels(label).set(moment.timestamp())
