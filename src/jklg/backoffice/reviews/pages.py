"""Reviews before the agency: publish, refuse with a reason, answer, choose for /testimonials. What a traveller said is never edited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.params import FromPath

from jklg import reviews
from jklg.backoffice import piles
from jklg.backoffice.looking import Ask, eyes_of, when
from jklg.kit.cursors import Place
from jklg.kit.errors import BadInput, Conflict, NotFound, Refusal
from jklg.kit.languages import N_
from jklg.kit.languages import gettext as _
from jklg.staff.guard import require_staff
from jklg.staff.queries import Person
from jklg.staff.rules import can
from jklg.web.bodies import read_form
from jklg.web.render import go, page

LOOK, ACT = "testimonials_view", "testimonials_approve"
WORDS = {
    "pending": ("wait", N_("Waits for a decision")),
    "published": ("good", N_("Published")),
    "rejected": ("bad", N_("Refused")),
}
SAID = {
    "published": N_("Published: everybody can read it."),
    "rejected": N_("Refused. Its writer reads your reason on the page of the booking."),
    "replied": N_("Your answer stands below it."),
    "chosen": N_("It stands on the page “What travellers say”."),
    "not-chosen": N_("It stands there no longer."),
}


@get("/staff/reviews", include_in_schema=False)
async def overview(request: Ask) -> Response[bytes]:
    """Those that wait; or `?state=published`, `?state=rejected`."""
    person = await require_staff(request, LOOK)
    state, after = piles.wanted(request, reviews.STATES)
    async with eyes_of(request, person) as conn:
        found = await reviews.list_by_status(conn, state, after, piles.READ)
        waiting = await reviews.count_pending(conn)
    found, following = piles.cut(found, state, "/staff/reviews", lambda row: Place(row.created_at, row.id))
    return page(
        request, "backoffice/reviews.html", personal=True, person=person, found=found, state=state, waiting=waiting, words=piles.spoken(WORDS),
        following=following, when=when,
    )  # fmt: skip


@get("/staff/reviews/{review_id:uuid}", include_in_schema=False)
async def one(request: Ask, review_id: FromPath[UUID]) -> Response[bytes]:
    """One review with what can be done about it."""
    person = await require_staff(request, LOOK)
    return await _show(request, person, review_id)


async def _show(
    request: Ask, person: Person, review_id: UUID, form: dict[str, str] | None = None, refusal: Refusal | None = None
) -> Response[bytes]:
    async with eyes_of(request, person) as conn:
        found = await reviews.get(conn, review_id)
    if found is None:
        raise NotFound("testimonial_not_found", "We cannot find this review.")
    errors = {str((refusal.details or {}).get("field", "")): _(refusal.sentence)} if refusal else {}
    return page(
        request, "backoffice/review.html", personal=True, status=refusal.status if refusal else 200, person=person, review=found,
        words=piles.spoken(WORDS), errors=errors, form=form or {"reply": found.reply, "reason": found.reason},
        said=piles.said(request, SAID), may_act=can(person.role, ACT), when=when,
    )  # fmt: skip


@post("/staff/reviews/{review_id:uuid}/{verb:str}", include_in_schema=False, status_code=200)
async def act(request: Ask, review_id: FromPath[UUID], verb: FromPath[str]) -> Response[bytes]:
    """`publish`, `refuse`, `reply` or `choose` (with `chosen`)."""
    person = await require_staff(request, ACT)
    db, actor, form = request.app.state.house.db, f"staff:{person.id}", await read_form(request)
    try:
        if verb == "publish":
            said = (await reviews.decide(db, review_id, "published", actor=actor)).status
        elif verb == "refuse":
            reason = form.get("reason", "")
            said = (await reviews.decide(db, review_id, "rejected", reason=reason, actor=actor)).status
        elif verb == "reply":
            await reviews.reply(db, review_id, form.get("reply", ""), actor=actor)
            said = "replied"
        elif verb == "choose":
            chosen = bool(form.get("chosen"))
            await reviews.praise(db, review_id, chosen=chosen, actor=actor)
            said = "chosen" if chosen else "not-chosen"
        else:
            raise NotFound("not_found", "There is nothing here.")
    except (BadInput, Conflict) as refusal:
        return await _show(request, person, review_id, form, refusal)
    return go(f"/staff/reviews/{review_id}?said={said}")


_handlers: list[Any] = [overview, one, act]
router = Router(path="/", route_handlers=_handlers)
