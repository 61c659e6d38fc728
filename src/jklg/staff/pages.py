"""Sign in and out at /staff/sign-in and /staff/sign-out."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State

from jklg import staff
from jklg.kit.errors import Refusal
from jklg.staff.actions import SESSION_HOURS
from jklg.staff.guard import COOKIE, token_of, way_back
from jklg.web.bodies import read_form
from jklg.web.errors import retry_after
from jklg.web.render import go, page
from jklg.web.session import clear, cookie

Ask = Request[Any, Any, State]


@get("/staff/sign-in", include_in_schema=False)
async def sign_in_page(request: Ask) -> Response[bytes]:
    back = way_back(request.query_params.get("next", ""))
    if await staff.recognise(request.app.state.house.db, token_of(request)):
        return go(back)
    return page(request, "staff/sign_in.html", personal=True, email="", back=back, refusal=None)


@post("/staff/sign-in", include_in_schema=False)
async def sign_in(request: Ask) -> Response[bytes]:
    """A new session each time; the one this browser had before ends."""
    house = request.app.state.house
    form = await read_form(request)
    email, back = form.get("email", ""), way_back(form.get("next", ""))
    try:
        session = await staff.sign_in(
            house.db,
            email=email,
            password=form.get("password", ""),
            network=request.client.host if request.client else "",
            user_agent=request.headers.get("user-agent", ""),
        )
    except Refusal as refusal:
        return page(
            request,
            "staff/sign_in.html",
            status=refusal.status,
            personal=True,
            headers=retry_after(refusal),
            email=email,
            back=back,
            refusal=refusal,
        )
    before = token_of(request)
    if before:
        await staff.sign_out(house.db, before)
    ours = cookie(house.settings, COOKIE, session.token, max_age=SESSION_HOURS * 3600, same_site="strict")
    return go(back, cookies=[ours])


@post("/staff/sign-out", include_in_schema=False)
async def sign_out(request: Ask) -> Response[bytes]:
    token = token_of(request)
    if token:
        await staff.sign_out(request.app.state.house.db, token)
    return go("/staff/sign-in", cookies=[clear(request.app.state.house.settings, COOKIE)])


router = Router(path="/", route_handlers=[sign_in_page, sign_in, sign_out])
