"""Who stands at a staff door, and whether this door is theirs."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import State

from jklg.kit.errors import Forbidden, NotSignedIn
from jklg.staff.actions import recognise
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.session import cookie_name

COOKIE = "jklg_staff"


def token_of(request: Request[Any, Any, State]) -> str | None:
    """The session token this browser carries."""
    return request.cookies.get(cookie_name(request.app.state.house.settings, COOKIE))


async def require_staff(request: Request[Any, Any, State], permission: str) -> Person:
    """The person behind the request, looked up anew each time. NotSignedIn (not_signed_in), Forbidden (not_permitted)."""
    person = await recognise(request.app.state.house.db, token_of(request))
    if person is None:
        raise NotSignedIn("not_signed_in", "Please sign in first.")
    if not can(person.role, permission):
        raise Forbidden("not_permitted", "Your role does not include this.")
    return person
