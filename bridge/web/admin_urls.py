"""The address of a store's admin, as a person says it: for links, and never called by us."""

from __future__ import annotations

from urllib.parse import urlsplit

from bridge.addresses import normalise_url
from bridge.ports import Platform
from bridge.web.problems import invalid

_FIELD = "/admin_url"


def checked_admin(platform: Platform | None, text: str | None) -> str | None:
    """In its one spelling; None for an empty one. Raises `Problem` 422.

    An address out of a browser's bar goes on behind the admin's path, often with a key of that session: neither belongs
    into a link for everybody.
    """
    if not (text or "").strip():
        return None
    if platform is None or not platform.admin_is_told:
        raise invalid(_FIELD, "is only for Magento: where the other admins are is known")
    try:
        found = normalise_url(str(text), allow_private=True, keep_path=True)
    except ValueError as problem:
        raise invalid(_FIELD, str(problem)) from None
    parts = [part for part in urlsplit(found).path.split("/") if part]
    if not parts:
        raise invalid(_FIELD, "lacks the path of the admin, such as https://shop.example.com/backend_x1")
    if "key" in parts or parts[-1] in {"dashboard", "index"}:
        raise invalid(
            _FIELD, "must end with the path of the admin: leave out what follows it, such as /admin/dashboard"
        )
    return found
