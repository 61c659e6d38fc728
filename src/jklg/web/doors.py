"""The doors that belong to no room: static files, robots, favicon."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State

from jklg.kit.errors import NotFound
from jklg.web.static_files import shelf

Ask = Request[Any, Any, State]
NOT_FOR_ROBOTS = (
    "/checkout",
    "/bookings",
    "/manage/",
    "/travellers/",
    "/staff",
    "/dev/",
    "/api/",
    "/compare",
    "/wishes",
    "/account",
    "/login",
)
"""Pages of one person, or of no interest; with a language before them, too."""
_SEEN_FOR_EVER = "public, max-age=31536000, immutable"


@get("/static/{name:path}", include_in_schema=False)
async def static_file(request: Ask) -> Response[bytes]:
    """By its hashed address for ever; by its plain name (`/static/house.css`) to be asked for again each time."""
    path: str = request.scope["path"]
    hashed = shelf().addresses.get(path.removeprefix("/static/"))
    file = shelf().files.get(hashed or path)
    if file is None:
        raise NotFound("file_not_found", "There is no such file.")
    headers = {"Cache-Control": "no-cache" if hashed else _SEEN_FOR_EVER, "Vary": "Accept-Encoding"}
    content = file.content
    if file.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        content = file.zipped
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type=file.media_type, headers=headers)


@get("/favicon.ico", include_in_schema=False)
async def favicon() -> Response[bytes]:
    """For those who ask by habit; pages name the hashed one."""
    address = shelf().addresses["favicon.svg"]
    return Response(
        shelf().files[address].content, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"}
    )


@get("/robots.txt", include_in_schema=False)
async def robots(request: Ask) -> Response[str]:
    lines = [
        "User-agent: *",
        *(f"Disallow: {prefix}{path}" for path in NOT_FOR_ROBOTS for prefix in ("", "/*")),
    ]
    lines.append(f"Sitemap: {request.app.state.pages.settings.public_url}/sitemap.xml")
    return Response("\n".join(lines) + "\n", media_type="text/plain", headers={"Cache-Control": "public, max-age=3600"})


router = Router(path="/", route_handlers=[static_file, favicon, robots])
