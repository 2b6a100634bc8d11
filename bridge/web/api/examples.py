"""What a request may look like, for the API's description: an example or more of each body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from bridge.web.api import alert_models as a
from bridge.web.api import history_models as h
from bridge.web.api import job_models as j
from bridge.web.api import models as m
from bridge.web.api import request_models as r
from bridge.web.api import restore_check_models as c
from bridge.web.api import token_models as t
from bridge.web.api import user_models as u
from bridge.web.api.attention_groups import DismissAll, SettleAll

EXAMPLES: Final[Mapping[type[BaseModel], Mapping[str, Any]]] = {
    m.NewConnection: {
        "Announce a Magento store": {"kind": "magento", "name": "Store", "url": "https://shop.example"},
        "Connect a Magento store": {
            "kind": "magento",
            "url": "https://shop.example",
            "credentials": {
                "consumer_key": "consumer-key",
                "consumer_secret": "consumer-secret",
                "access_token": "access-token",
                "access_token_secret": "access-token-secret",
            },
        },
        "Let a seller authorize a TikTok Shop": {
            "kind": "tiktok",
            "credentials": {"app_key": "app-key", "app_secret": "app-secret", "service_id": "7000000000000000000"},
        },
    },
    m.ConnectionChange: {
        "Rename it": {"name": "Store in Leipzig"},
        "State the plugin version": {"plugin_version_override": "1.0.20"},
        "Say where its admin is": {"admin_url": "https://shop.example.com/backend_x1"},
    },
    m.ShopChange: {
        "Begin in dry run": {"dry_run": True, "hold_minutes": 60},
        "Untie it": {"store": None},
    },
    m.CancellationSyncChange: {
        "TikTok Shop cancellations refund in the store": {
            "channel_to_store": {"enabled": True, "restock": True},
            "store_to_channel": {"enabled": False},
        },
        "A rule for buyers' requests": {
            "buyer_requests": {
                "enabled": True,
                "rules": [{"name": "nothing sent yet", "decision": "approve", "store_shipped": False}],
            }
        },
    },
    m.SkuMappings: {"Two of them": {"mappings": {"TT-SHIRT-M": "shirt-m", "TT-SHIRT-L": "shirt-l"}}},
    m.SkuMappingChanges: {"Map one, forget another": {"mappings": {"TT-SHIRT-M": "shirt-m", "TT-CAP": None}}},
    h.NewHistory: {"The last 30 days, both directions": {"days": 30}},
    h.Apply: {
        "Two orders": {"job": "job_01j0000000000000000000000", "orders": ["576461413038785752", "576461413038785753"]}
    },
    m.Settle: {"Look again": {}, "Create it although it was held": {"allow": ["create"]}},
    m.Link: {"By the store's number": {"store_order": "000000123"}},
    SettleAll: {"Everything that waits for a SKU": {"kind": "unknown_sku"}},
    DismissAll: {"Seen": {"kind": "silent_plugin", "note": "the store is being moved"}},
    m.Dismiss: {"Seen": {"note": "settled by hand"}},
    r.Approve: {"The one with the nearest deadline": {}},
    r.Reject: {
        "Sent already": {"reason": "seller_reject_apply_product_has_been_packed", "comment": "It is on its way."}
    },
    j.NewSweep: {"Everything": {}, "From a day on": {"since": "2026-03-01T00:00:00Z"}},
    a.NewAlertTarget: {
        "A webhook": {"kind": "webhook", "address": "https://hooks.example/bridge"},
        "An e-mail address": {"kind": "email", "address": "night@shop.example", "kinds": ["buyer_request", "brake"]},
    },
    a.AlertTargetChange: {"Switch it off": {"enabled": False}},
    c.NewRestoreCheck: {"From where the backup had read to": {}, "Further back": {"since": "2026-03-01T00:00:00Z"}},
    c.ResumeRestoreCheck: {"When all was looked at": {}, "Although not all was": {"force": True}},
    u.NewUser: {"Somebody who may look": {"name": "maria", "password": "a sentence to remember", "role": "viewer"}},
    u.UserChange: {"May change things from now on": {"role": "manager"}},
    t.NewToken: {"For a dashboard": {"name": "dashboard", "scopes": ["read"]}},
}
