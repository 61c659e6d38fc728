"""What opens an account besides the password, for people: the app with its picture, passkeys, the sheet of recovery codes."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import segno
from litestar import Response, Router, get, post
from litestar.params import FromPath
from markupsafe import Markup

from jklg.customers import factors, profile
from jklg.customers.factors import NewTotp, rules
from jklg.customers.sessions.rules import device
from jklg.customers.visits import (
    TURNS_AWAY,
    Ask,
    Complaints,
    agent_of,
    complaints,
    credential_of,
    form_page,
    fresh_visitor,
    visitor,
)
from jklg.kit.errors import NotFound, Refusal
from jklg.web.bodies import read_form
from jklg.web.render import go

SECURITY = "/account/security"
_SECRET = re.compile(r"[A-Z2-7]{32}")


async def _page(request: Ask, template: str, *, errors: Complaints | None = None, **context: Any) -> Response[bytes]:
    house = request.app.state.house
    who = visitor(request)
    known = await factors.list_factors(house.db, who)
    me = await profile.get(house.db, who)
    return form_page(request, f"customers/{template}.html", errors=errors, me=me, factors=known, **context)


@get("/account/security/authenticator", include_in_schema=False)
async def app_page(request: Ask) -> Response[bytes]:
    await fresh_visitor(request)
    return await _page(request, "authenticator", new=None, picture=None)


@post("/account/security/authenticator", include_in_schema=False, status_code=200)
async def begin_app(request: Ask) -> Response[bytes]:
    """Show a new secret, once. Nothing changes before a code confirms it."""
    house = request.app.state.house
    try:
        new = await factors.begin_totp(house.db, house.settings, visitor(request))
    except Refusal as refusal:
        return await _page(request, "authenticator", errors=complaints(refusal), new=None, picture=None)
    return await _page(request, "authenticator", new=new, picture=_picture(new))


@post("/account/security/authenticator/confirm", include_in_schema=False, status_code=200)
async def confirm_app(request: Ask) -> Response[bytes]:
    """A code of the app turns it on. After a wrong one the same secret is shown again: the browser brings it, for nobody keeps it."""
    house = request.app.state.house
    who = visitor(request)
    form = await read_form(request)
    try:
        codes = await factors.confirm_totp(house.db, house.settings, who, form.get("code", "").strip())
    except Refusal as refusal:
        new = await _shown(request, form.get("secret", "")) if refusal.code == "code_wrong" else None
        return await _page(
            request, "authenticator", errors=complaints(refusal), new=new,
            picture=_picture(new) if new else None,
        )  # fmt: skip
    return await _page(request, "recovery_codes", codes=codes, just="app")


async def _shown(request: Ask, secret: str) -> NewTotp | None:
    """The secret as the page showed it before."""
    if not _SECRET.fullmatch(secret):
        return None
    house = request.app.state.house
    me = await profile.get(house.db, visitor(request))
    return NewTotp(
        secret=secret, otpauth_url=rules.otpauth_url(rules.from_base32(secret), me.email, house.settings.agency_name)
    )


def _picture(new: NewTotp) -> Markup:
    """The QR code: black on white, also on a dark page, with the quiet border that cameras need."""
    drawn = segno.make(new.otpauth_url, error="m").svg_inline(
        scale=5, border=4, light="#ffffff", dark="#000000", omitsize=True
    )
    return Markup(drawn)  # noqa: S704  (drawn by us: squares)


@get("/account/security/authenticator/remove", include_in_schema=False)
async def remove_app_page(request: Ask) -> Response[bytes]:
    await fresh_visitor(request)
    return await _sure(request, "app")


@post("/account/security/authenticator/remove", include_in_schema=False, status_code=200)
async def remove_app(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    try:
        await factors.remove_totp(house.db, house.settings, visitor(request))
    except NotFound:
        return go(SECURITY)
    return go(f"{SECURITY}?said=app-removed")


@get("/account/security/recovery-codes", include_in_schema=False)
async def codes_page(request: Ask) -> Response[bytes]:
    await fresh_visitor(request)
    return await _page(request, "recovery_codes", codes=None, just="")


@post("/account/security/recovery-codes", include_in_schema=False, status_code=200)
async def make_codes(request: Ask) -> Response[bytes]:
    """Ten new ones, shown once."""
    house = request.app.state.house
    try:
        codes = await factors.make_recovery_codes(house.db, house.settings, visitor(request))
    except Refusal as refusal:
        return await _page(request, "recovery_codes", errors=complaints(refusal), codes=None, just="")
    return await _page(request, "recovery_codes", codes=codes, just="new")


@get("/account/security/recovery-codes/remove", include_in_schema=False)
async def remove_codes_page(request: Ask) -> Response[bytes]:
    await fresh_visitor(request)
    return await _sure(request, "codes")


@post("/account/security/recovery-codes/remove", include_in_schema=False, status_code=200)
async def remove_codes(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    try:
        await factors.remove_recovery_codes(house.db, house.settings, visitor(request))
    except NotFound:
        return go(SECURITY)
    except Refusal as refusal:
        return await _sure(request, "codes", errors=complaints(refusal))
    return go(f"{SECURITY}?said=codes-removed")


@get("/account/security/passkeys", include_in_schema=False)
async def passkey_page(request: Ask) -> Response[bytes]:
    """Adding one needs the browser's own help, and so JavaScript: the one place of the house that does."""
    await fresh_visitor(request)
    return await _page(request, "passkey", name=device(agent_of(request)))


@post("/account/security/passkeys/options", include_in_schema=False, status_code=200)
async def begin_passkey(request: Ask) -> Response[dict[str, Any]]:
    """What the browser needs to make one."""
    house = request.app.state.house
    token, options = await factors.begin_passkey(house.db, house.settings, visitor(request))
    return Response({"token": token, "options": options}, headers={"Cache-Control": "no-store"})


@post("/account/security/passkeys", include_in_schema=False, status_code=200)
async def add_passkey(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    form = await read_form(request)
    try:
        await factors.add_passkey(
            house.db, house.settings, visitor(request), token=form.get("token", ""), credential=credential_of(form),
            name=form.get("name", ""),
        )  # fmt: skip
    except Refusal as refusal:
        return await _page(request, "passkey", errors=complaints(refusal), name=form.get("name", ""))
    return go(f"{SECURITY}?said=passkey-added")


@get("/account/security/passkeys/{passkey_id:str}/remove", include_in_schema=False)
async def remove_passkey_page(request: Ask, passkey_id: FromPath[str]) -> Response[bytes]:
    who = await fresh_visitor(request)
    known = await factors.list_factors(request.app.state.house.db, who)
    found = next((each for each in known.passkeys if str(each.id) == passkey_id), None)
    return await _sure(request, "passkey", passkey=found) if found else go(SECURITY)


@post("/account/security/passkeys/{passkey_id:str}/remove", include_in_schema=False, status_code=200)
async def remove_passkey(request: Ask, passkey_id: FromPath[str]) -> Response[bytes]:
    house = request.app.state.house
    who = visitor(request)
    known = await factors.list_factors(house.db, who)
    found = next((each for each in known.passkeys if str(each.id) == passkey_id), None)
    try:
        await factors.remove_passkey(house.db, house.settings, who, found.id if found else UUID(int=0))
    except NotFound:
        return go(SECURITY)
    except Refusal as refusal:
        return await _sure(request, "passkey", passkey=found, errors=complaints(refusal))
    return go(f"{SECURITY}?said=passkey-removed")


@get("/account/security/passkeys-only", include_in_schema=False)
async def drop_password_page(request: Ask) -> Response[bytes]:
    await fresh_visitor(request)
    return await _sure(request, "password")


@post("/account/security/passkeys-only", include_in_schema=False, status_code=200)
async def drop_password(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    try:
        await factors.drop_password(house.db, house.settings, visitor(request))
    except Refusal as refusal:
        return await _sure(request, "password", errors=complaints(refusal))
    return go(f"{SECURITY}?said=password-removed")


async def _sure(request: Ask, what: str, *, passkey: Any = None, **context: Any) -> Response[bytes]:
    """Something that opens an account goes only after a second look."""
    return await _page(request, "sure", what=what, passkey=passkey, **context)


_handlers: list[Any] = [
    app_page, begin_app, confirm_app, remove_app_page, remove_app, codes_page, make_codes, remove_codes_page, remove_codes,
    passkey_page, begin_passkey, add_passkey, remove_passkey_page, remove_passkey, drop_password_page, drop_password,
]  # fmt: skip
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
