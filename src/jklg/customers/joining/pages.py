"""Open an account, and confirm its address: by the link, by the code, or by asking for both once more."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, get, post

from jklg.customers import joining, profile, rules
from jklg.customers.entering import devices
from jklg.customers.guard import address_of, browser_visitor
from jklg.customers.queries import Customer
from jklg.customers.visits import (
    HOME,
    TURNS_AWAY,
    Ask,
    Complaints,
    agent_of,
    all_complaints,
    come_in,
    complaints,
    drop_link,
    form_page,
    kept_link,
    living,
    take_link,
)
from jklg.kit.errors import NotSignedIn, Refusal
from jklg.kit.languages import N_
from jklg.kit.passwords import check_new
from jklg.web.bodies import read_form
from jklg.web.render import go

_PASSWORD = {"password_invalid": "password", "password_common": "password"}


@get("/signup", include_in_schema=False)
async def sign_up_page(request: Ask) -> Response[bytes]:
    if await living(request):
        return go(HOME)
    return form_page(request, "customers/sign_up.html", values={})


@post("/signup", include_in_schema=False, status_code=200)
async def sign_up(request: Ask) -> Response[bytes]:
    """The same answer for every address: look into your mailbox."""
    house = request.app.state.house
    form = await read_form(request)
    email, password, name = form.get("email", ""), form.get("password", ""), form.get("name", "")
    errors = all_complaints(
        lambda: rules.check_name(name),
        lambda: rules.check_email(email),
        lambda: rules.check_phone(form.get("phone", "")),
        lambda: check_new(password, [email, name]),
        fields=_PASSWORD,
    )
    if errors:
        return form_page(request, "customers/sign_up.html", values=form, errors=errors)
    try:
        made = await joining.register(
            house.db,
            house.settings,
            email=email,
            password=password,
            name=name,
            phone=form.get("phone", ""),
            address=address_of(request),
            user_agent=agent_of(request),
        )
    except Refusal as refusal:
        errors = complaints(refusal, _PASSWORD)
        return form_page(request, "customers/sign_up.html", values=form, errors=errors)
    return await come_in(request, made.token, "/verify-email", cookies=[drop_link(request)])


@get("/verify-email", include_in_schema=False)
async def verify_page(request: Ask) -> Response[bytes]:
    """The link of the mail leads here. Opening it uses nothing up: mail scanners open links too."""
    moved = take_link(request, "verify")
    return moved or await _show(request)


@post("/verify-email", include_in_schema=False, status_code=200)
async def verify(request: Ask) -> Response[bytes]:
    """Somebody pressed the button."""
    form = await read_form(request)
    link = kept_link(request, "verify")
    if link is None:
        return go("/verify-email")
    try:
        customer = await joining.verify(
            request.app.state.house.db,
            customer_id=link.customer_id,
            token=link.token,
            address=address_of(request),
            password=form.get("password"),
            who=browser_visitor(request),
        )
    except Refusal as refusal:
        if refusal.code == "confirm_with_password":
            return await _show(request, ask_password=True)
        errors = complaints(
            refusal, {"invalid_credentials": "password"},
            invalid_credentials=N_("This is not the password of your new account."),
        )  # fmt: skip
        return await _show(request, errors=errors, ask_password="password" in form)
    return _welcome(request, customer)


@post("/verify-email/code", include_in_schema=False, status_code=200)
async def verify_by_code(request: Ask) -> Response[bytes]:
    """Somebody typed the six characters."""
    house = request.app.state.house
    form = await read_form(request)
    try:
        customer = await joining.verify_by_code(
            house.db,
            house.settings,
            email=form.get("email", "").strip(),
            code=form.get("code", "").strip(),
            address=address_of(request),
            who=browser_visitor(request),
        )
    except Refusal as refusal:
        errors = complaints(
            refusal, {"verification_invalid": "code", "confirm_with_password": "code"},
            confirm_with_password=N_("Somebody else has registered this address, too. Please open the link in the mail instead of typing its code."),
            verification_invalid=N_("This code is wrong, used or too old. Look at the newest mail from us, or ask for another."),
        )  # fmt: skip
        return await _show(request, errors=errors, values=form)
    return _welcome(request, customer)


@post("/verify-email/again", include_in_schema=False, status_code=200)
async def send_again(request: Ask) -> Response[bytes]:
    """The same answer for every address."""
    form = await read_form(request)
    try:
        await joining.resend(
            request.app.state.house.db,
            email=form.get("email", ""),
            address=address_of(request),
            who=browser_visitor(request),
        )
    except Refusal as refusal:
        return await _show(request, errors=complaints(refusal), values=form)
    return await _show(request, values=form, sent_again=True)


async def _show(
    request: Ask,
    *,
    errors: Complaints | None = None,
    values: dict[str, str] | None = None,
    ask_password: bool = False,
    sent_again: bool = False,
) -> Response[bytes]:
    """What there is to do about a mailbox: a button when the link was opened, a code to type in any case."""
    registered = await _registered(request)
    if registered is not None and registered.status == "active" and kept_link(request, "verify") is None:
        return go(HOME)
    pending = registered is not None and registered.status == "pending"
    email = (values or {}).get("email") or (registered.email if registered is not None and pending else "")
    return form_page(
        request,
        "customers/verify.html",
        errors=errors,
        email=email,
        known=pending,
        link=kept_link(request, "verify") is not None,
        ask_password=ask_password,
        sent_again=sent_again,
    )


async def _registered(request: Ask) -> profile.Profile | None:
    """The account that this browser's session reaches, confirmed or not."""
    who = browser_visitor(request)
    if who is None:
        return None
    try:
        return await profile.get(request.app.state.house.db, who)
    except NotSignedIn:
        return None


def _welcome(request: Ask, customer: Customer) -> Response[bytes]:
    """In, when the registration was made in this browser; else to the sign-in."""
    who = browser_visitor(request)
    mine = who is not None and who.customer_id == customer.id
    cookies = [drop_link(request), *([devices.remember(request, customer.id)] if mine else [])]
    return go(f"{HOME}?said=welcome" if mine else "/login?said=confirmed", cookies=cookies)


_handlers: list[Any] = [sign_up_page, sign_up, verify_page, verify, verify_by_code, send_again]
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
