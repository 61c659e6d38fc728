"""The doors for other sites: the small page that they may frame, and the script that puts it there. Neither knows who asks."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg import catalogue, departures
from jklg.site.journey.rules import FEW_SEATS
from jklg.web.render import packed, page
from jklg.web.static_files import shelf

Ask = Request[Any, Any, State]
SHOWN = 6
ANYWHERE = {"Cross-Origin-Resource-Policy": "cross-origin"}
FRAMED = {**ANYWHERE, "Cache-Control": "public, max-age=60", "X-Robots-Tag": "noindex"}
"""Seats left are a minute old at most; the checkout counts them anew."""
CSP = {"frame-ancestors": ["*"]}
"""This page alone may be framed: there is nothing in it to be tricked into, but links that open in a window of their own."""


@get("/embed/packages/{slug:str}", include_in_schema=False)
async def frame(request: Ask, slug: FromPath[str]) -> Response[bytes]:
    """The next departures with their prices. No cookie, no form, nobody's data."""
    async with request.app.state.house.db.connection() as conn:
        package = await catalogue.get_package(conn, slug)
        dates = (await departures.list_departures(conn, package.id, limit=SHOWN))[:SHOWN] if package else []
    status = 200 if package else 404
    return page(
        request, "embed/package.html", status=status, headers=FRAMED, csp=CSP, package=package, dates=dates, few=FEW_SEATS
    )  # fmt: skip


@get("/embed.js", include_in_schema=False)
async def script(request: Ask) -> Response[bytes]:
    """Turns each `<a data-book="slug">` into that frame. Sites name it by this one address, so that it may be mended."""
    content = shelf().files[shelf().addresses["embed.js"]].content
    body, headers = packed(request, content, {**ANYWHERE, "Cache-Control": "public, max-age=3600"}, 9)
    headers["Vary"] = "Accept-Encoding"
    return Response(body, media_type="text/javascript", headers=headers)


router = Router(path="/", route_handlers=[frame, script])
