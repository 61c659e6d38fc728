"""The door of the evidence of a dispute, for staff who see money."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, Router, get
from litestar.params import FromPath
from msgspec.structs import replace

from jklg import bookings, history
from jklg.backoffice.evidence import queries
from jklg.backoffice.looking import Ask, eyes_of, when
from jklg.bookings import agreements, cancelling
from jklg.kit.errors import NotFound
from jklg.kit.gateways import gateway_name
from jklg.pricing import terms
from jklg.staff.guard import require_staff
from jklg.web.render import page

LOOK = "bookings_create"
_LINK = re.compile(r"https?://\S+")
TOLD = {
    "created": "was opened",
    "submitting": "was opened",
    "requires_payment_method": "waited for the payer",
    "requires_action": "was to be confirmed by the payer at the bank (3-D Secure or the like)",
    "processing": "was under way at the bank",
    "authorized": "was approved by the payer",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "was cancelled",
    "expired": "lapsed",
    "captured": "money was taken",
    "refund_succeeded": "money was sent back",
    "refund_failed": "a refund failed",
    "dispute_withdrawn": "the bank took money back",
    "dispute_reinstated": "the bank gave money back",
}
"""What a gateway told of an attempt, in words. Anything else is told as it is."""


@get("/staff/disputes/{dispute_id:str}/evidence", include_in_schema=False)
async def evidence(request: Ask, dispute_id: FromPath[str]) -> Response[bytes]:
    """Everything we hold that a bank may want to see, to print or to save."""
    person = await require_staff(request, LOOK)
    async with eyes_of(request, person) as conn:
        found = await queries.get_evidence(conn, _uuid(dispute_id))
        if found is None:
            raise _missing()
        found = replace(found, terms_version=agreements.version_of(found.terms_version))
        booking = await bookings.get(conn, found.booking_id)
        assert booking is not None, "a transaction keeps its booking"
        return page(
            request, "backoffice/evidence.html", personal=True, person=person, evidence=found, booking=booking, when=when,
            moment=datetime.fromisoformat, told=TOLD, actor=_actor, giving_up=terms.giving_up(terms.read(booking.sold_terms), deposit=bool(booking.deposit_amount)),
            attempts=await queries.list_attempts(conn, booking.id), consents=await queries.list_consents(conn, booking.id),
            travellers=await bookings.list_travellers(conn, booking.id), story=await history.of(conn, booking.id),
            letters=[_without_links(each) for each in await queries.list_letters(conn, booking.email, booking.reference)],
            cancellations=await cancelling.list_of_booking(conn, booking.id), refunds=await queries.list_refunds(conn, booking.id),
        )  # fmt: skip


def _without_links(letter: dict[str, Any]) -> dict[str, Any]:
    """A letter as a stranger may read it: its links open the customer's booking."""
    return {**letter, "text_body": _LINK.sub("(the customer's own link)", letter["text_body"])}


def _actor(actor: str) -> str:
    """Who did it, for somebody who knows none of us."""
    kind, _, name = actor.partition(":")
    return {
        "guest": "the customer",
        "customer": "the customer",
        "staff": "the agency's staff",
        "gateway": gateway_name(name),
        "system": "the booking system",
    }.get(kind, "the agency")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _missing() from None


def _missing() -> NotFound:
    return NotFound("dispute_not_found", "We cannot find this dispute.")


router = Router(path="/", route_handlers=[evidence])
