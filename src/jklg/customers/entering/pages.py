"""Sign in with a password or a passkey, the second step, the proof in between, and out again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from litestar import Response, Router, get, post

from jklg.customers import entering, factors
from jklg.customers.entering import devices
from jklg.customers.guard import address_of, browser_visitor, forget
from jklg.customers.visits import (
    HOME,
    TURNS_AWAY,
    Ask,
    Complaints,
    agent_of,
    come_in,
    complaints,
    credential_of,
    form_page,
    living,
    visitor,
    way_back,
)
from jklg.kit.errors import NotSignedIn, Refusal
from jklg.kit.languages import N_
from jklg.web.bodies import read_form
from jklg.web.render import go
from jklg.web.session import clear, cookie, cookie_name

STEP = "jklg_second_step"
STEP_SECONDS = 10 * 60
SAID = {
    "confirmed": N_("Your address is confirmed. Please sign in."),
    "reset": N_("Your new password is set, and every device was signed out. Please sign in with it."),
    "restored": N_(
        "Your address is back, and every device was signed out. We have sent you a mail to choose a new password."
    ),
    "signed-out": N_("You are signed out."),
    "moved": N_("Your account uses the new address now. Please sign in with it."),
    "deleted": N_("Your account is deleted. Farewell, and thank you for travelling with us."),
}
_METHODS = ("passkey", "totp", "recovery_code")


@get("/login", include_in_schema=False)
async def sign_in_page(request: Ask) -> Response[bytes]:
    back = way_back(str(request.query_params.get("next", "")))
    if await living(request):
        return go(back)
    return _sign_in_page(request, back, said=SAID.get(str(request.query_params.get("said", ""))))


@post("/login", include_in_schema=False, status_code=200)
async def sign_in(request: Ask) -> Response[bytes]:
    """A new session each time; the one this browser had before ends. A second factor has a page of its own."""
    house = request.app.state.house
    form = await read_form(request)
    back = way_back(form.get("next", ""))
    email = form.get("email", "").strip()
    try:
        found = await entering.sign_in(
            house.db,
            house.settings,
            email=email,
            password=form.get("password", ""),
            address=address_of(request),
            user_agent=agent_of(request),
            marked=devices.mark_of(request),
        )
    except Refusal as refusal:
        if refusal.code == "email_not_verified":
            return form_page(
                request, "customers/verify.html", status=refusal.status, errors=None, email=email, known=True,
                link=False, ask_password=False, sent_again=False,
            )  # fmt: skip
        errors = complaints(
            refusal, invalid_credentials=N_("This address and this password do not belong together. Please try again.")
        )
        return _sign_in_page(request, back, errors=errors, email=email)
    if isinstance(found, entering.SecondFactorNeeded):
        step = cookie(house.settings, STEP, ".".join([found.token, *found.methods]), max_age=STEP_SECONDS)
        return go(f"/login/second-step?{urlencode({'next': back})}", cookies=[step])
    return await come_in(request, found.token, back, cookies=[devices.remember(request, found.customer.id)])


@get("/login/second-step", include_in_schema=False)
async def second_step_page(request: Ask) -> Response[bytes]:
    return _second_step_page(request, way_back(str(request.query_params.get("next", ""))))


@post("/login/second-step", include_in_schema=False, status_code=200)
async def second_step(request: Ask) -> Response[bytes]:
    """A code of the app, a recovery code, or what a passkey has signed."""
    house = request.app.state.house
    form = await read_form(request)
    back = way_back(form.get("next", ""))
    token, _ = _step(request)
    method = form.get("method", "")
    try:
        signed_in = await entering.answer_second_factor(
            house.db,
            house.settings,
            token=token,
            method=method,
            answer=credential_of(form) if method == "passkey" else form.get("code", "").strip(),
            address=address_of(request),
            user_agent=agent_of(request),
        )
    except Refusal as refusal:
        errors = complaints(refusal, {"second_factor_wrong": "" if method == "passkey" else f"code-{method}"})
        if refusal.code == "second_factor_expired":
            return _sign_in_page(request, back, errors=errors)
        return _second_step_page(request, back, errors=errors, tried=method)
    marks = [clear(house.settings, STEP), devices.remember(request, signed_in.customer.id)]
    return await come_in(request, signed_in.token, back, cookies=marks)


@post("/login/second-step/options", include_in_schema=False, status_code=200)
async def second_step_options(request: Ask) -> Response[dict[str, Any]]:
    """What the browser needs to answer with a passkey."""
    house = request.app.state.house
    token, _ = _step(request)
    return _for_script({"token": "", "options": await entering.second_factor_options(house.db, house.settings, token)})


@post("/login/passkey/options", include_in_schema=False, status_code=200)
async def passkey_options(request: Ask) -> Response[dict[str, Any]]:
    """What the browser needs to sign in by passkey alone."""
    house = request.app.state.house
    token, options = await entering.begin_passkey(house.db, house.settings, address_of(request))
    return _for_script({"token": token, "options": options})


@post("/login/passkey", include_in_schema=False, status_code=200)
async def sign_in_by_passkey(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    form = await read_form(request)
    back = way_back(form.get("next", ""))
    try:
        signed_in = await entering.finish_passkey(
            house.db,
            house.settings,
            token=form.get("token", ""),
            credential=credential_of(form),
            address=address_of(request),
            user_agent=agent_of(request),
        )
    except Refusal as refusal:
        return _sign_in_page(request, back, errors=complaints(refusal))
    return await come_in(request, signed_in.token, back, cookies=[devices.remember(request, signed_in.customer.id)])


@post("/logout", include_in_schema=False, status_code=200)
async def sign_out(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    who = browser_visitor(request)
    if who is not None:
        with suppress(NotSignedIn):
            await entering.sign_out(house.db, who)
    return go("/login?said=signed-out", cookies=[forget(house.settings)])


@get("/prove", include_in_schema=False)
async def prove_page(request: Ask) -> Response[bytes]:
    return await _prove_page(request, way_back(str(request.query_params.get("next", ""))))


@post("/prove", include_in_schema=False, status_code=200)
async def prove(request: Ask) -> Response[bytes]:
    """By passkey, or by what signing in takes: for 15 minutes, in this session."""
    house = request.app.state.house
    who = visitor(request)
    form = await read_form(request)
    back = way_back(form.get("next", ""))
    try:
        if form.get("method") == "passkey":
            await factors.finish_passkey_proof(
                house.db, house.settings, who, form.get("token", ""), credential_of(form)
            )
        else:
            await entering.prove(
                house.db,
                house.settings,
                who,
                password=form.get("password"),
                code=form["code"].strip() if "code" in form else None,
                address=address_of(request),
            )
    except Refusal as refusal:
        errors = complaints(refusal, invalid_credentials=_wrong_proof(form))
        return await _prove_page(request, back, errors=errors)
    return go(back)


def _wrong_proof(form: dict[str, str]) -> str:
    """Which of the two was wrong is not told: whoever stands here may not be the owner."""
    if "code" not in form:
        return N_("This is not your password.")
    if "password" not in form:
        return N_("This code is not right, or was used before.")
    return N_("The password or the code is not right. A code works only once.")


@post("/prove/options", include_in_schema=False, status_code=200)
async def prove_options(request: Ask) -> Response[dict[str, Any]]:
    """What the browser needs to prove by passkey."""
    house = request.app.state.house
    token, options = await factors.begin_passkey_proof(house.db, house.settings, visitor(request))
    return _for_script({"token": token, "options": options})


def _sign_in_page(
    request: Ask,
    back: str,
    *,
    errors: Complaints | None = None,
    email: str = "",
    said: str | None = None,
) -> Response[bytes]:
    return form_page(
        request, "customers/sign_in.html", back=back, home=HOME, errors=errors,
        email=email, said=said,
    )  # fmt: skip


def _second_step_page(request: Ask, back: str, *, errors: Complaints | None = None, tried: str = "") -> Response[bytes]:
    token, methods = _step(request)
    if not token:
        return go(f"/login?{urlencode({'next': back})}")
    return form_page(
        request, "customers/second_step.html", back=back, errors=errors, methods=methods,
        tried=tried,
    )  # fmt: skip


async def _prove_page(request: Ask, back: str, *, errors: Complaints | None = None) -> Response[bytes]:
    known = await factors.list_factors(request.app.state.house.db, visitor(request))
    return form_page(
        request, "customers/prove.html", back=back, errors=errors, factors=known
    )  # fmt: skip


def _step(request: Ask) -> tuple[str, list[str]]:
    """(token, methods) of a sign-in that is half done in this browser."""
    token, *methods = request.cookies.get(cookie_name(request.app.state.house.settings, STEP), "").split(".")
    return token, [each for each in _METHODS if each in methods]


def _for_script(found: dict[str, Any]) -> Response[dict[str, Any]]:
    return Response(found, headers={"Cache-Control": "no-store"})


_handlers: list[Any] = [
    sign_in_page, sign_in, second_step_page, second_step, second_step_options, passkey_options, sign_in_by_passkey, sign_out,
    prove_page, prove, prove_options,
]  # fmt: skip
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
