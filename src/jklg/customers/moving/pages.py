"""Another e-mail address: asked for, confirmed in the new mailbox, taken back from the old one."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post

from jklg.customers import moving, profile
from jklg.customers.guard import address_of, browser_visitor, forget
from jklg.customers.visits import (
    TURNS_AWAY,
    Ask,
    Complaints,
    complaints,
    drop_link,
    form_page,
    fresh_visitor,
    kept_link,
    take_link,
    visitor,
)
from jklg.kit.errors import Refusal
from jklg.kit.languages import N_
from jklg.web.bodies import read_form
from jklg.web.render import go


@get("/account/security/email", include_in_schema=False)
async def change_page(request: Ask) -> Response[bytes]:
    """Wants a fresh proof before anything is typed."""
    await fresh_visitor(request)
    return await _change_page(request)


@post("/account/security/email", include_in_schema=False, status_code=200)
async def change(request: Ask) -> Response[bytes]:
    """The same answer for every address."""
    house = request.app.state.house
    email = (await read_form(request)).get("email", "")
    try:
        await moving.ask(house.db, house.settings, visitor(request), email=email, address=address_of(request))
    except Refusal as refusal:
        return await _change_page(request, email=email, errors=complaints(refusal))
    return await _change_page(request, email=email.strip(), sent=True)


async def _change_page(
    request: Ask, *, email: str = "", errors: Complaints | None = None, sent: bool = False
) -> Response[bytes]:
    me = await profile.get(request.app.state.house.db, visitor(request))
    return form_page(
        request, "customers/email.html", me=me, email=email, errors=errors, sent=sent
    )  # fmt: skip


@get("/confirm-email", include_in_schema=False)
async def confirm_page(request: Ask) -> Response[bytes]:
    """The link in the new mailbox leads here. Opening it uses nothing up."""
    return take_link(request, "change") or _confirm_page(request)


@post("/confirm-email", include_in_schema=False, status_code=200)
async def confirm(request: Ask) -> Response[bytes]:
    """Somebody pressed the button."""
    form = await read_form(request)
    link = kept_link(request, "change")
    if link is None:
        return go("/confirm-email")
    who = browser_visitor(request)
    try:
        await moving.confirm(
            request.app.state.house.db,
            customer_id=link.customer_id,
            token=link.token,
            password=form.get("password"),
            address=address_of(request),
            who=who,
        )
    except Refusal as refusal:
        if refusal.code == "confirm_with_password":
            return _confirm_page(request, ask_password=True)
        errors = complaints(
            refusal, {"invalid_credentials": "password"}, invalid_credentials=N_("This is not the password of your account.")
        )  # fmt: skip
        return _confirm_page(request, errors=errors, ask_password="password" in form)
    mine = who is not None and who.customer_id == link.customer_id
    return go("/account/security?said=moved" if mine else "/login?said=moved", cookies=[drop_link(request)])


def _confirm_page(request: Ask, *, errors: Complaints | None = None, ask_password: bool = False) -> Response[bytes]:
    return form_page(
        request, "customers/confirm_email.html", errors=errors, ask_password=ask_password,
        link=kept_link(request, "change") is not None,
    )  # fmt: skip


@get("/undo-email-change", include_in_schema=False)
async def undo_page(request: Ask) -> Response[bytes]:
    """The link in the old mailbox leads here. Opening it changes nothing."""
    return take_link(request, "undo") or _undo_page(request)


@post("/undo-email-change", include_in_schema=False, status_code=200)
async def undo(request: Ask) -> Response[bytes]:
    """It was not me: every device is signed out, and a mail comes to choose a new password."""
    house = request.app.state.house
    link = kept_link(request, "undo")
    if link is None:
        return go("/undo-email-change")
    try:
        await moving.undo(house.db, house.settings, customer_id=link.customer_id, token=link.token)
    except Refusal as refusal:
        return _undo_page(request, errors=complaints(refusal))
    return go("/login?said=restored", cookies=[drop_link(request), forget(house.settings)])


def _undo_page(request: Ask, *, errors: Complaints | None = None) -> Response[bytes]:
    return form_page(
        request, "customers/undo_email.html", errors=errors,
        link=kept_link(request, "undo") is not None,
    )  # fmt: skip


_handlers: list[Any] = [change_page, change, confirm_page, confirm, undo_page, undo]
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
