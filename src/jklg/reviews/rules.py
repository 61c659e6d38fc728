"""What a review must say, who may write one, and what many of them come to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from jklg.bookings import Booking
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.texts import one_line, several_lines

STATES = ("pending", "published", "rejected")
LONGEST = 3000


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says. `name` is what is shown of theirs; `rating` one to five stars."""

    name: str
    rating: int
    message: str


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A review as staff see it. Without a `booking_id` it was told to the agency otherwise, or is `made_up` for a demonstration."""

    id: UUID
    booking_id: UUID | None
    reference: str | None
    package_id: UUID | None
    package_name: str | None
    package_slug: str | None
    made_up: bool
    name: str
    rating: int
    message: str
    status: str
    reason: str
    reply: str
    chosen: bool
    created_at: datetime
    decided_at: datetime | None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A published review as everybody sees it."""

    id: UUID
    name: str
    rating: int
    message: str
    reply: str
    made_up: bool
    decided_at: datetime


class Stars(msgspec.Struct, frozen=True, kw_only=True):
    """What the published reviews of travellers come to: how many there are, and their stars together."""

    count: int = 0
    total: int = 0

    @property
    def average(self) -> Decimal:
        """With one decimal, halves up. Only where there are reviews."""
        return Decimal((self.total * 20 + self.count) // (2 * self.count)).scaleb(-1)


def may_write(booking: Booking) -> bool:
    """Whoever has travelled. The database asks the same (testimonials_after_the_journey)."""
    return booking.status == "completed" or (booking.status == "confirmed" and booking.ends_on < booking.today)


def too_early() -> Conflict:
    return Conflict("review_too_early", "You can write about this journey once it is over.")


def checks(form: Mapping[str, str]) -> dict[str, Callable[[], object]]:
    """Field -> what makes of its text what is kept. BadInput: rating_invalid, message_missing, name_invalid."""
    return {
        "rating": lambda: check_rating(form.get("rating", "")),
        "message": lambda: check_message(form.get("message", "")),
        "name": lambda: check_shown_name(form.get("name", "")),
    }


def read(form: Mapping[str, str]) -> Saying:
    """Raises what `checks` raise, in their order."""
    return Saying(**{field: check() for field, check in checks(form).items()})  # type: ignore[arg-type]


def check_rating(given: str) -> int:
    if given not in ("1", "2", "3", "4", "5"):
        raise BadInput("rating_invalid", "Please give one to five stars.", details={"field": "rating"})
    return int(given)


def check_message(given: str, field: str = "message") -> str:
    message = several_lines(given, LONGEST)
    if not message:
        raise BadInput(
            "message_missing", "Please write something, in up to 3,000 characters.", details={"field": field}
        )
    return message


def check_shown_name(given: str) -> str:
    name = one_line(given, 40)
    if not name:
        raise BadInput(
            "name_invalid",
            "Please give the first name that is shown, in up to 40 characters.",
            details={"field": "name"},
        )
    return name


def check_reason(given: str) -> str:
    reason = several_lines(given, 1000)
    if not reason:
        raise BadInput(
            "reason_missing",
            "Please say why it is not shown: whoever wrote it reads this.",
            details={"field": "reason"},
        )
    return reason


def no_review() -> NotFound:
    return NotFound("testimonial_not_found", "We cannot find this review.")
