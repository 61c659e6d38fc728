"""/dev/mail/templates: every letter of the house to look at, by day and at night. In production, and beside live keys, these
addresses do not exist."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.params import FromPath

from jklg.kit.errors import NotFound
from jklg.mail.pages import alone
from jklg.site import letters
from jklg.web.render import page

Ask = Request[Any, Any, State]


@get("/dev/mail/templates", include_in_schema=False)
async def templates(request: Ask) -> Response[bytes]:
    """Every letter, by the room that writes it."""
    return page(request, "site/letters.html", personal=True, letters=await _letters(request))


@get("/dev/mail/templates/{name:str}", include_in_schema=False)
async def template(request: Ask, name: FromPath[str]) -> Response[bytes]:
    """One letter: as HTML in a frame of its own, as text."""
    csp = {"frame-src": ["'self'"]}
    return page(request, "site/letter.html", personal=True, csp=csp, letter=await _letter(request, name))


@get("/dev/mail/templates/{name:str}/html", include_in_schema=False)
async def template_html(request: Ask, name: FromPath[str]) -> Response[bytes]:
    """The HTML part alone."""
    return alone((await _letter(request, name)).html)


async def _letters(request: Ask) -> list[letters.Letter]:
    house = request.app.state.house
    if not house.settings.shows_mail:
        raise NotFound("not_found", "There is nothing here.")
    return await letters.show(house.db, house.settings)


async def _letter(request: Ask, name: str) -> letters.Letter:
    for letter in await _letters(request):
        if letter.name == name:
            return letter
    raise NotFound("mail_not_found", "There is no such mail.")


router = Router(path="/", route_handlers=[templates, template, template_html])
