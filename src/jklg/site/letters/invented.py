"""A booking and what belongs to it, as nobody made them: for letters about which the database has no row yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

from jklg.bookings import Booking
from jklg.bookings.cancelling.queries import Given
from jklg.bookings.circulars import Message
from jklg.bookings.queries import Traveller
from jklg.departures import Move
from jklg.payments.queries import Transaction

NOBODY = UUID("019aa000-0000-7000-8000-000000000001")
NOW = datetime(2027, 3, 3, 9, 30, tzinfo=UTC)
MESSAGE = Message(
    subject="Warm clothes for Gurez",
    words="The nights are colder than usual: please bring a warm jacket.\n\nWe have blankets for everybody.",
)
TRAVELLER = Traveller(
    id=NOBODY, position=1, name="Asha Rao", category="adult", date_of_birth=None, is_lead=True
)  # fmt: skip
BOOKING = Booking(
    id=NOBODY,
    reference="K7M2QX",
    status="confirmed",
    payment_status="Partial",
    payment_open=False,
    departure_id=NOBODY,
    package_id=NOBODY,
    package_name="Gurez by foot",
    package_slug="gurez-by-foot",
    starts_on=date(2027, 5, 12),
    ends_on=date(2027, 5, 17),
    time_zone="Asia/Kolkata",
    party={"adult": 1},
    seats=1,
    currency="INR",
    total_price=2_499_900,
    lines=[{"label": "Adult", "quantity": 1, "unit_amount": 2_499_900, "amount": 2_499_900}],
    sold_terms={},
    deposit_amount=499_980,
    balance_due_on=date(2027, 4, 12),
    reduced_amount=0,
    cancelled_party={},
    cancelled_seats=0,
    today=NOW.date(),
    name="Asha Rao",
    email="asha@example.org",
    phone="",
    special_requests="",
    customer_id=None,
    hold_expires_at=NOW + timedelta(minutes=15),
    hold_seconds_left=900,
    created_at=NOW,
    confirmed_at=NOW,
    ended_at=None,
)
PAYMENT = Transaction(
    id=NOBODY,
    booking_id=NOBODY,
    amount=499_980,
    currency="INR",
    state="succeeded",
    status="completed",
    gateway="razorpay",
    livemode=False,
    ref=None,
    charge_ref=None,
    consent_id=None,
    request_key="",
    client_secret=None,
    authorized=499_980,
    captured=499_980,
    refund_reserved=0,
    refunded=0,
    payment_method="upi",
    receipt_url=None,
    error_message=None,
    open_at=None,
    checks=0,
    stumbles=0,
    created_at=NOW,
    completed_at=NOW,
)
ANSWER = {
    "ticket": SimpleNamespace(number=1024, subject="The road to Gurez", customer="Asha Rao"),
    "question": "Is the road open in May?",
    "answer": "It opens in the middle of the month.\nWe write to you when it does.",
    "from_name": "Chitra Nair",
}


QUESTION = SimpleNamespace(
    package_name="Gurez by foot", package_slug="gurez-by-foot", name="Asha Rao", words="Is the road open in May?",
    answer="It opens in the middle of the month.",
)  # fmt: skip


def given_up(booking: Booking) -> Given:
    """All of it, for half of its price."""
    kept = booking.price // 2
    return Given(
        id=NOBODY, booking_id=booking.id, party=booking.party, worth=booking.price, kept=kept, refund=booking.price - kept, currency=booking.currency, days_before=40,
        percent=50, whole=True, reason="", cancelled_by="guest", cancelled_at=NOW,
    )  # fmt: skip


def moved(booking: Booking) -> Move:
    """To its days, from three days before."""
    earlier = timedelta(days=3)
    return Move(
        id=NOBODY, departure_id=booking.departure_id, old_starts_on=booking.starts_on - earlier, old_ends_on=booking.ends_on - earlier,
        starts_on=booking.starts_on, ends_on=booking.ends_on, words="The road is closed until Friday.\nYour hotel is told.", actor="system",
        moved_at=NOW,
    )  # fmt: skip
