"""The door of photographs: a file by its address, which never changes its content."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg.catalogue import pictures
from jklg.catalogue.pictures.rules import FILE_NAME
from jklg.kit.errors import NotFound


@get("/photos/{name:str}", include_in_schema=False)
async def photo(request: Request[Any, Any, State], name: FromPath[str]) -> Response[bytes]:
    """`{digest}-{width}.{format}`. Browsers and caches keep it for ever."""
    asked = FILE_NAME.fullmatch(name)
    content = None
    if asked:
        async with request.app.state.house.db.connection() as conn:
            content = await pictures.get_file(conn, asked[1], int(asked[2]), asked[3])
    if asked is None or content is None:
        raise NotFound("picture_not_found", "We cannot find this picture.")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Security-Policy": "default-src 'none'"}
    return Response(content, media_type=f"image/{asked[3]}", headers=headers)


router = Router(path="/", route_handlers=[photo])
