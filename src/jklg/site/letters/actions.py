"""Every letter of the house, as it would read today: about the newest booking there is, or about an invented one. For /dev/mail/templates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import msgspec

from jklg import bookings, mail, payments
from jklg.bookings import Booking
from jklg.bookings.circulars import Message
from jklg.bookings.queries import Traveller
from jklg.departures import Move
from jklg.kit.db import Database
from jklg.payments.queries import Transaction
from jklg.settings import Settings

HOUSE = Path(__file__).parents[2]
NOBODY = UUID("019aa000-0000-7000-8000-000000000001")
NOW = datetime(2027, 3, 3, 9, 30, tzinfo=UTC)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One letter. `room`: the folder that holds it; `name`: its template."""

    name: str
    room: str
    subject: str
    text: str
    html: str


def names() -> dict[str, Path]:
    """Every letter there is, by name, with the folder of its room."""
    return {source.parent.name: source.parents[2] for source in sorted(HOUSE.glob("**/emails/*/body.txt"))}


async def show(db: Database, settings: Settings) -> list[Letter]:
    """All letters in their order, each about the newest booking and its newest payment."""
    booking, travellers, transaction = await _subject(db)
    told = _contexts(settings, booking, travellers, transaction)
    letters = []
    for name, room in names().items():
        subject, text, html = mail.render(room, name, settings, told[name])
        place = str(room.relative_to(HOUSE))
        letters.append(Letter(name=name, room=place, subject=subject, text=text, html=html))
    return letters


async def _subject(db: Database) -> tuple[Booking, list[Traveller], Transaction]:
    async with db.transaction() as conn:
        booking_id = await bookings.latest(conn)
        booking = await bookings.get(conn, booking_id) if booking_id else None
        if booking is None:
            return INVENTED, [TRAVELLER], PAYMENT
        paid = await payments.list_of_booking(conn, booking.id)
        return booking, await bookings.list_travellers(conn, booking.id), paid[-1] if paid else PAYMENT


def _contexts(
    settings: Settings, booking: Booking, travellers: list[Traveller], transaction: Transaction
) -> Mapping[str, Mapping[str, object]]:
    """What each letter is told. A letter that is missing here is missing in the preview: the test counts them."""
    url = settings.public_url
    link = f"{url}/a-link-of-its-own"
    account = {"name": booking.name, "at": NOW, "forgot_url": f"{url}/forgot-password"}
    booking = msgspec.structs.replace(booking, balance_due_on=booking.balance_due_on or booking.starts_on)
    about = {"booking": booking, "manage_url": f"{url}/manage/{booking.reference}/secret", "travellers": travellers}
    paid = {**about, "transaction": transaction, "amount": transaction.amount}
    half = booking.price // 2
    moved = Move(
        id=NOBODY, departure_id=booking.departure_id, old_starts_on=booking.starts_on - timedelta(days=3),
        old_ends_on=booking.ends_on - timedelta(days=3), starts_on=booking.starts_on, ends_on=booking.ends_on,
        words="The road is closed until Friday.\nYour hotel is told.", actor="system", moved_at=NOW,
    )  # fmt: skip
    given = {
        "whole": True, "party": booking.party, "worth": booking.price, "kept": half, "refund": booking.price - half,
        "currency": booking.currency,
    }  # fmt: skip
    return {
        "verify_email": {"link": link, "code": "482913"},
        "already_have_account": {**account, "sign_in_url": f"{url}/login"},
        "password_reset": {**account, "link": link},
        "password_changed": {**account, "was_reset": False},
        "confirm_new_email": {"link": link},
        "email_changing": {**account, "link": link},
        "new_device": {**account, "device": "Firefox on Linux"},
        "factor_changed": {**account, "sentence": "A passkey was added.", "was_tried": False, "undo_link": link},
        "enquiry_answered": {
            "ticket": SimpleNamespace(number=1024, subject="The road to Gurez", customer=booking.name),
            "question": "Is the road open in May?",
            "answer": "It opens in the middle of the month.\nWe write to you when it does.",
            "from_name": "Chitra Nair",
        },
        "goodbye": {**account, "contact_url": url},
        "booking_confirmed": {**about, "paid": booking.price - half, "due": half},
        "booking_given_up": {**about, "given": given, "people": sum(booking.party.values())},
        "circular": {**about, "message": Message(subject="Warm clothes for Gurez", words=CIRCULAR)},
        "departure_moved": {**about, "due": half, "move": moved},
        "balance_due": {**about, "due": half, "missed": False},
        "card_will_be_charged": {
            **about,
            "due": half,
            "label": "Visa ending 4242",
            "charged_on": booking.balance_due_on,
        },
        "card_refused": {**about, "due": half, "label": "Visa ending 4242"},
        "review_wanted": {**about, "stop_url": f"{url}/mail/stop/a-link-of-its-own"},
        "departure_near": {**about, "due": 0, "nameless": 0, "days": 7},
        "payment_receipt": paid,
        "refund_sent": paid,
        "late_money_refunded": {**paid, "reason": "seats_gone"},
    }


CIRCULAR = "The nights are colder than usual: please bring a warm jacket.\n\nWe have blankets for everybody."
TRAVELLER = Traveller(
    id=NOBODY, position=1, name="Asha Rao", category="adult", date_of_birth=None, is_lead=True
)  # fmt: skip
INVENTED = Booking(
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
