"""Who stands at a staff door, and whether this door is theirs."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.datastructures import State

from jklg.kit.errors import Forbidden, NotSignedIn
from jklg.staff.actions import recognise
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web import errors
from jklg.web.front import SAFE, cross_site, is_ours, origin_of
from jklg.web.render import go
from jklg.web.session import cookie_name

COOKIE = "jklg_staff"
_OFFICE_PATH = re.compile(r"/staff(/[A-Za-z0-9_-]+)*")


def token_of(request: Request[Any, Any, State]) -> str | None:
    """The session token this browser carries. Forbidden (cross_site): it was sent along with what a page of somebody else asks to have done.

    The front door asks this of forms; here it is asked for /api as well, wherever the cookie is read. Strict cookies come along from
    sibling hosts.
    """
    settings = request.app.state.house.settings
    token = request.cookies.get(cookie_name(settings, COOKIE))
    if token and request.method not in SAFE and not is_ours(request.scope["headers"], origin_of(settings.public_url)):
        raise cross_site()
    return token


async def require_staff(request: Request[Any, Any, State], permission: str) -> Person:
    """The person behind the request, looked up anew each time. Forbidden (cross_site), NotSignedIn (not_signed_in), Forbidden (not_permitted)."""
    person = await recognise(request.app.state.house.db, token_of(request))
    if person is None:
        raise NotSignedIn("not_signed_in", "Please sign in first.")
    if not can(person.role, permission):
        raise Forbidden("not_permitted", "Your role does not include this.")
    return person


def turn_away(request: Request[Any, Any, State], refusal: NotSignedIn) -> Response[Any]:
    """The exception handler of pages for staff: who asks for a page signs in and is brought back here. Who sends a form is told."""
    if request.method == "POST":
        return errors.handle(request, refusal)
    return go(f"/staff/sign-in?{urlencode({'next': request.scope['path']})}")


TURNS_AWAY: Any = {NotSignedIn: turn_away}
"""The `exception_handlers` of pages for staff."""


def way_back(wanted: str) -> str:
    """Where to go after signing in: a page of the back office, never another site."""
    return wanted if _OFFICE_PATH.fullmatch(wanted) else "/staff"
