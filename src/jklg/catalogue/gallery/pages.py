"""/gallery: the pictures, large enough to look at."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State

from jklg.catalogue import gallery
from jklg.web.render import page


@get("/gallery", include_in_schema=False)
async def show(request: Request[Any, Any, State]) -> Response[bytes]:
    async with request.app.state.house.db.connection() as conn:
        images = await gallery.list_images(conn)
    return page(request, "catalogue/gallery.html", images=images)


router = Router(path="/", route_handlers=[show])
