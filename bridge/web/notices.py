"""The few small pages that a browser meets on the way of an authorization. No script, everything escaped."""

from __future__ import annotations

from html import escape

from aiohttp import web

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_STYLE = (
    "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:38rem;margin:12vh auto;padding:0 1rem;color:#1b1b1f;"
    "background:#fff}h1{font-size:1.4rem}a{color:#0b57d0}"
    "@media(prefers-color-scheme:dark){body{background:#17171a;color:#eee}a{color:#8ab4f8}}"
)


def page(
    title: str,
    *paragraphs: str,
    status: int = 200,
    link: tuple[str, str] | None = None,
    reload_after: int | None = None,
    go_on_after: int | None = None,
) -> web.Response:
    """`link`: address and words, both as plain text. `go_on_after`: seconds until the browser follows it by itself."""
    refresh = ""
    if link and go_on_after is not None:
        refresh = f'<meta http-equiv="refresh" content="{go_on_after};url={escape(link[0])}">'
    elif reload_after is not None:
        refresh = f'<meta http-equiv="refresh" content="{reload_after}">'
    body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    if link:
        body += f'<p><a rel="noreferrer" href="{escape(link[0])}">{escape(link[1])}</a></p>'
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">{refresh}'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
        f'<div role="status">{body}</div></main></body></html>'
    )
    return web.Response(
        text=text, status=status, content_type="text/html", headers={"Content-Security-Policy": _POLICY}
    )
