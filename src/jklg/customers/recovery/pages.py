"""A forgotten password, a new one through the mailbox, and one that is changed by whoever knows it."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post

from jklg.customers import factors, profile, recovery
from jklg.customers.entering import devices
from jklg.customers.guard import address_of, forget
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

_NEW_PASSWORD = {"password_invalid": "password", "password_common": "password"}


@get("/forgot-password", include_in_schema=False)
async def forgot_page(request: Ask) -> Response[bytes]:
    return form_page(request, "customers/forgot.html", email="", sent=False)


@post("/forgot-password", include_in_schema=False, status_code=200)
async def forgot(request: Ask) -> Response[bytes]:
    """The same answer for every address."""
    email = (await read_form(request)).get("email", "")
    try:
        await recovery.forgot(request.app.state.house.db, email=email, address=address_of(request))
    except Refusal as refusal:
        return form_page(
            request, "customers/forgot.html", email=email, errors=complaints(refusal),
            sent=False,
        )  # fmt: skip
    return form_page(request, "customers/forgot.html", email=email.strip(), sent=True)


@get("/reset-password", include_in_schema=False)
async def reset_page(request: Ask) -> Response[bytes]:
    """The link of the mail leads here. Opening it uses nothing up."""
    return take_link(request, "reset") or _reset_page(request)


@post("/reset-password", include_in_schema=False, status_code=200)
async def reset(request: Ask) -> Response[bytes]:
    """Every session ends, also this browser's: the new password is tried at once by its owner."""
    house = request.app.state.house
    link = kept_link(request, "reset")
    form = await read_form(request)
    if link is None:
        return go("/reset-password")
    try:
        await recovery.reset(
            house.db,
            house.settings,
            customer_id=link.customer_id,
            token=link.token,
            new_password=form.get("password", ""),
        )
    except Refusal as refusal:
        if refusal.code == "reset_invalid":
            return _reset_page(request, errors=complaints(refusal), over=True)
        return _reset_page(request, errors=complaints(refusal, _NEW_PASSWORD))
    known = devices.remember(request, link.customer_id)
    return go("/login?said=reset", cookies=[drop_link(request), forget(house.settings), known])


def _reset_page(request: Ask, *, errors: Complaints | None = None, over: bool = False) -> Response[bytes]:
    return form_page(
        request, "customers/reset.html", errors=errors,
        link=kept_link(request, "reset") is not None and not over, cookies=[drop_link(request)] if over else [],
    )  # fmt: skip


@get("/account/security/password", include_in_schema=False)
async def change_page(request: Ask) -> Response[bytes]:
    """Whoever has a second factor uses it before anything is typed."""
    known = await factors.list_factors(request.app.state.house.db, visitor(request))
    if known.methods:
        await fresh_visitor(request)
    return await _change_page(request)


@post("/account/security/password", include_in_schema=False, status_code=200)
async def change(request: Ask) -> Response[bytes]:
    """Every other session ends."""
    house = request.app.state.house
    form = await read_form(request)
    try:
        await recovery.change_password(
            house.db,
            house.settings,
            visitor(request),
            old_password=form.get("old_password", ""),
            new_password=form.get("password", ""),
            address=address_of(request),
        )
    except Refusal as refusal:
        errors = complaints(
            refusal, {**_NEW_PASSWORD, "invalid_credentials": "old_password"},
            invalid_credentials=N_("This is not your present password."),
        )  # fmt: skip
        return await _change_page(request, errors=errors)
    return go("/account/security?said=password-changed")


async def _change_page(request: Ask, *, errors: Complaints | None = None) -> Response[bytes]:
    house = request.app.state.house
    who = visitor(request)
    known = await factors.list_factors(house.db, who)
    return form_page(
        request, "customers/password.html", me=await profile.get(house.db, who),
        has_password=known.has_password, errors=errors,
    )  # fmt: skip


_handlers: list[Any] = [forgot_page, forgot, reset_page, reset, change_page, change]
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
