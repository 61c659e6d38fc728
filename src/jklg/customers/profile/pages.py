"""The customer's picture for our own pages: browsers send the cookie, not a token."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State

from jklg.customers import profile
from jklg.customers.guard import browser_visitor
from jklg.customers.profile import rules
from jklg.customers.profile.api import picture_response
from jklg.kit.errors import NotSignedIn


@get("/account/avatar", include_in_schema=False)
async def show_picture(request: Request[Any, Any, State]) -> Response[bytes]:
    """The visitor's own, whoever that is. 404 for everybody else."""
    who = browser_visitor(request)
    if who is None:
        raise rules.no_picture()
    try:
        return picture_response(await profile.get_picture(request.app.state.house.db, who))
    except NotSignedIn:
        raise rules.no_picture() from None


router = Router(path="/", route_handlers=[show_picture])
