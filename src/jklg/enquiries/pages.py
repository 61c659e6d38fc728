"""/contact: write to the agency. What was typed is never lost, and nothing here tells whether a booking exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.datastructures import State

from jklg import enquiries
from jklg.catalogue import agency
from jklg.customers import profile
from jklg.customers.guard import address_of, browser_visitor
from jklg.customers.visits import Complaints, all_complaints, complaints, form_page
from jklg.enquiries import rules
from jklg.kit.errors import Forbidden, NotSignedIn, Refusal
from jklg.web import trap
from jklg.web.bodies import read_form
from jklg.web.render import go, page

Ask = Request[Any, Any, State]
TEMPLATE = "enquiries/contact.html"


@get("/contact", include_in_schema=False)
async def contact(request: Ask) -> Response[bytes]:
    """The form. Whoever is signed in need not type her name; a link may carry a booking's reference."""
    form = {"reference": str(request.query_params.get("reference", ""))[:40]}
    sent = bool(request.query_params.get("sent"))
    who = browser_visitor(request)
    ours = await _agency(request)
    if who is None:
        return page(request, TEMPLATE, form=form, errors={}, sent=sent, agency=ours)
    try:
        me = await profile.get(request.app.state.house.db, who)
        form |= {"name": me.name, "email": me.email}
    except (NotSignedIn, Forbidden):
        pass
    return form_page(request, TEMPLATE, form=form, sent=sent, agency=ours)


@post("/contact", include_in_schema=False, status_code=200)
async def send(request: Ask) -> Response[bytes]:
    form = await read_form(request)
    wrong = all_complaints(*rules.checks(form).values())
    if wrong:
        return await _again(request, form, wrong)
    try:
        trap.check(form)
        await enquiries.ask(request.app.state.house.db, rules.read(form), network=address_of(request))
    except Refusal as refusal:
        return await _again(request, form, complaints(refusal))
    return go("/contact?sent=1")


async def _again(request: Ask, form: Mapping[str, str], wrong: Complaints) -> Response[bytes]:
    return form_page(request, TEMPLATE, form=form, errors=wrong, sent=False, agency=await _agency(request))


async def _agency(request: Ask) -> agency.Profile:
    async with request.app.state.house.db.connection() as conn:
        return await agency.get(conn)


router = Router(path="/", route_handlers=[contact, send])
