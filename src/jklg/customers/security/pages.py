"""/account/security: devices, password, address, second factors, and what happened lately."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import history
from jklg.customers import entering, factors, profile
from jklg.customers.security.words import in_words
from jklg.customers.visits import TURNS_AWAY, Ask, visitor
from jklg.kit.errors import NotFound
from jklg.kit.languages import N_
from jklg.web.render import go, page

SAID = {
    "password-changed": N_("Your password is changed. All other devices were signed out."),
    "moved": N_("Your account uses the new address now."),
    "device-ended": N_("That device is signed out."),
    "others-ended": N_("All other devices are signed out."),
    "passkey-added": N_("Your passkey is added. It signs you in without a password."),
    "passkey-removed": N_("That passkey is removed. Remove it in your device's settings as well."),
    "app-removed": N_("The authenticator app is removed. Your password alone opens your account again."),
    "codes-removed": N_("Your recovery codes are removed."),
    "password-removed": N_("Your account has no password any more. Your passkeys open it."),
}
EVENTS_READ = 200


@get("/account/security", include_in_schema=False)
async def security_page(request: Ask) -> Response[bytes]:
    house = request.app.state.house
    who = visitor(request)
    active = await entering.list_sessions(house.db, who)
    async with house.db.transaction() as conn:
        events = await history.latest(conn, who.customer_id, EVENTS_READ)
    return page(
        request,
        "customers/security.html",
        personal=True,
        me=await profile.get(house.db, who),
        said=SAID.get(str(request.query_params.get("said", ""))),
        sessions=sorted(active, key=lambda each: each.id != who.session_id),
        here=who.session_id,
        factors=await factors.list_factors(house.db, who),
        lines=in_words(events),
    )


@post("/account/security/devices/{session_id:str}/end", include_in_schema=False, status_code=200)
async def end_device(request: Ask, session_id: FromPath[str]) -> Response[bytes]:
    """Twice is as good as once."""
    try:
        await entering.end_session(request.app.state.house.db, visitor(request), UUID(session_id))
    except (NotFound, ValueError):
        return go("/account/security")
    return go("/account/security?said=device-ended")


@post("/account/security/end-others", include_in_schema=False, status_code=200)
async def end_others(request: Ask) -> Response[bytes]:
    await entering.end_other_sessions(request.app.state.house.db, visitor(request))
    return go("/account/security?said=others-ended")


_handlers: list[Any] = [security_page, end_device, end_others]
router = Router(path="/", route_handlers=_handlers, exception_handlers=TURNS_AWAY)
