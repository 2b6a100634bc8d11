"""A store's base address in its one spelling, however a merchant copied it."""

from __future__ import annotations

from urllib.parse import urlsplit

from bridge.addresses import normalise_url

_TAILS = ("index.php", "rest")


def store_url(text: str | None, *, allow_private: bool) -> str:
    """`Shop.Example/index.php/rest/V1` → `https://shop.example`. Raises ValueError with what is wrong."""
    given = (text or "").strip()
    if not given:
        raise ValueError("Give the store's base address, such as https://shop.example.com")
    if "://" not in given:
        given = f"https://{given}"
    parts = urlsplit(given)
    segments = [segment for segment in parts.path.split("/") if segment]
    # A store may live in a folder of its host; the REST interface begins after it.
    cut = next((place for place, segment in enumerate(segments) if segment in _TAILS), len(segments))
    path = "".join(f"/{segment}" for segment in segments[:cut])
    return normalise_url(parts._replace(path=path).geturl(), allow_private=allow_private, keep_path=True)
