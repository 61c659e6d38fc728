"""/accent.css, an agency's own colours; /dev/components, every part of the design on one page, in development only."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State

from jklg.kit.errors import NotFound
from jklg.web.design import accent
from jklg.web.render import page

Ask = Request[Any, Any, State]

TOKENS = ("paper", "raised", "sunk", "ink", "muted", "line", "field", "pine", "pine-strong", "pine-wash",
          "saffron", "saffron-text", "saffron-wash", "danger", "danger-wash")  # fmt: skip


@get("/accent.css", include_in_schema=False)
async def accent_sheet(request: Ask) -> Response[str]:
    """The tokens that an agency replaced. Its address carries a hash, so browsers may keep it."""
    return Response(
        request.app.state.pages.accent_sheet,
        media_type="text/css",
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


@get("/dev/components", include_in_schema=False)
async def components(request: Ask) -> Response[bytes]:
    """404 in production."""
    settings = request.app.state.house.settings
    if settings.production:
        raise NotFound("not_found", "There is nothing here.")
    lines = [
        {"label": "Adults", "quantity": 2, "amount": 49_998_00, "rule": "12 years and older"},
        {"label": "Early booking", "quantity": 1, "amount": -2_000_00, "rule": "60 days before departure"},
    ]
    return page(
        request,
        "web/components.html",
        personal=True,
        tokens=TOKENS,
        contrast=[
            ("ink on paper", accent.contrast(accent.INK, accent.PAPER)),
            ("ink on night", accent.contrast(accent.NIGHT_INK, accent.NIGHT)),
        ],
        lines=lines,
        today=date(2027, 5, 12),
    )


router = Router(path="/", route_handlers=[accent_sheet, components])
