"""The places of a party: who is named, who is not yet, and which private link belongs to whom. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from jklg.kit.errors import BadInput, Conflict
from jklg.limits import Limit
from jklg.pricing.rules import PEOPLE

if TYPE_CHECKING:
    from jklg.bookings import Booking, Traveller

PACE = Limit("traveller links", 30, 3600)
"""What may be filled in with one link."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A private link that is alive. `traveller_id`: whose it is; None while its place has no name."""

    id: UUID
    booking_id: UUID
    category: str
    traveller_id: UUID | None
    used_at: datetime | None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One who goes. `number` counts within the category, `of` how many there are in it."""

    category: str
    number: int
    of: int
    traveller: Traveller | None
    link: Link | None


def may_change(booking: Booking) -> bool:
    """Until the day of departure, at its place, while there is a journey to go on."""
    if booking.status == "held" and not booking.hold_seconds_left and not booking.payment_open:
        return False
    return booking.status in ("held", "confirmed") and booking.today < booking.starts_on


def missing(booking: Booking, travellers: Sequence[Traveller]) -> dict[str, int]:
    """Category -> how many of those who go have no name yet."""
    named = [each.category for each in travellers if each.cancelled_at is None]
    left = {category: number - named.count(category) for category, number in booking.going.items()}
    return {category: number for category, number in left.items() if number > 0}


def places(booking: Booking, travellers: Sequence[Traveller], links: Sequence[Link]) -> list[Place]:
    """Everybody who goes, adults first, the named before the others. Links of places that are gone are left out."""
    going = booking.going
    found = []
    for category in PEOPLE:
        named = [each for each in travellers if each.category == category and each.cancelled_at is None]
        free = [each for each in links if each.category == category and each.traveller_id is None]
        number = max(going.get(category, 0), len(named))
        for n in range(number):
            who = named[n] if n < len(named) else None
            nth = n - len(named)
            theirs = next((each for each in links if who and each.traveller_id == who.id), None)
            link = theirs if who else free[nth] if nth < len(free) else None
            found.append(Place(category=category, number=n + 1, of=number, traveller=who, link=link))
    return found


def born_of(typed: str, field: str) -> date | None:
    """A date of birth as it is typed; None for nothing. BadInput: date_of_birth_invalid."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise BadInput(
            "date_of_birth_invalid",
            "Please write the date of birth as year-month-day, such as 2019-05-12.",
            details={"field": field},
        ) from None


def no_place() -> Conflict:
    return Conflict("places_taken", "Everybody who travels has a name already. Please look at the list again.")


def too_late() -> Conflict:
    return Conflict(
        "travellers_fixed", "The travellers of this booking cannot be changed any more. Please write to us."
    )
