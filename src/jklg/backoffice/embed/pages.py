"""What to copy into another site, for whoever may change settings."""

from __future__ import annotations

from litestar import Response, Router, get
from markupsafe import Markup

from jklg import catalogue
from jklg.backoffice.looking import Ask
from jklg.catalogue import PackageFilter
from jklg.kit.languages import gettext as _
from jklg.staff.guard import require_staff
from jklg.web.render import page

LOOK = "settings_view"
LINK = Markup(
    '<a data-book="{slug}" href="{url}/packages/{slug}">{words}</a>\n<script async src="{url}/embed.js"></script>'
)
FRAME = Markup(
    '<iframe src="{url}/embed/packages/{slug}" title="{words}" width="100%" height="640" loading="lazy" style="border:0"></iframe>'
)


@get("/staff/embed", include_in_schema=False)
async def snippets(request: Ask) -> Response[bytes]:
    """Of `?package=slug`, else of the first one."""
    person = await require_staff(request, LOOK)
    settings = request.app.state.house.settings
    async with request.app.state.house.db.connection() as conn:
        packages = await catalogue.list_packages(conn, PackageFilter(sort="name", limit=500))
    asked = str(request.query_params.get("package", ""))
    chosen = next((each for each in packages if each.slug == asked), packages[0] if packages else None)
    filled = {}
    if chosen:
        words = _("Dates and prices of {name}").format(name=chosen.name)
        filled = {"url": settings.public_url, "slug": chosen.slug, "words": words}
    return page(
        request, "backoffice/embed.html", personal=True, person=person, packages=[(each.slug, each.name) for each in packages], chosen=chosen,
        link=LINK.format(**filled) if filled else "", frame=FRAME.format(**filled) if filled else "",
    )  # fmt: skip


router = Router(path="/", route_handlers=[snippets])
