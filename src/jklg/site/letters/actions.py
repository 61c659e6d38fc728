"""Every letter of the house, as it would read today: about the newest row that it can be about, or about an invented one. For /dev/mail/templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from jklg import bookings, departures, enquiries, mail, questions
from jklg.bookings import circulars
from jklg.bookings.cancelling import queries as cancellations
from jklg.kit.db import Connection, Database
from jklg.payments import consents
from jklg.payments import queries as transactions
from jklg.payments.refunds import queries as refunds
from jklg.settings import Settings
from jklg.site.letters import invented
from jklg.site.letters.queries import Newest, newest

HOUSE = Path(__file__).parents[2]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One letter. `room`: the folder that holds it; `name`: its template; `real`: it is about a row of the database, and nothing in it but
    secrets, and who signed the answer to a question, is made up."""

    name: str
    room: str
    subject: str
    text: str
    html: str
    real: bool


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a letter is told."""

    context: Mapping[str, object]
    real: bool


def names() -> dict[str, Path]:
    """Every letter there is, by name, with the folder of its room."""
    return {source.parent.name: source.parents[2] for source in sorted(HOUSE.glob("**/emails/*/body.txt"))}


async def show(db: Database, settings: Settings) -> list[Letter]:
    """All letters in their order, each about the newest row that it can be about."""
    async with db.transaction() as conn:
        told = await _tell(conn, settings)
    letters = []
    for name, room in names().items():
        subject, text, html = mail.render(room, name, settings, told[name].context)
        place = str(room.relative_to(HOUSE))
        letters.append(Letter(name=name, room=place, subject=subject, text=text, html=html, real=told[name].real))
    return letters


async def _tell(conn: Connection, settings: Settings) -> dict[str, Told]:
    """What each letter is told. A letter that is missing here is missing in the preview: the test counts them."""
    of = await newest(conn)
    told = _of_accounts(settings, of)
    for part in (_of_bookings, _of_balances, _of_money):
        told |= await part(conn, settings, of)
    told["enquiry_answered"] = await _answer(conn, of)
    told["question_answered"] = await _question(conn, settings, of)
    return told


def _of_accounts(settings: Settings, of: Newest) -> dict[str, Told]:
    url = settings.public_url
    link = f"{url}/a-link-of-its-own"
    account = {"name": of.customer or invented.BOOKING.name, "at": invented.NOW, "forgot_url": f"{url}/forgot-password"}
    contexts: dict[str, dict[str, object]] = {
        "verify_email": {"link": link, "code": "482913"},
        "already_have_account": {**account, "sign_in_url": f"{url}/login"},
        "password_reset": {**account, "link": link},
        "password_changed": {**account, "was_reset": False},
        "confirm_new_email": {"link": link},
        "email_changing": {**account, "link": link},
        "new_device": {**account, "device": of.device or "Firefox on Linux"},
        "factor_changed": {**account, "sentence": "A passkey was added.", "was_tried": False, "undo_link": link},
        "goodbye": {**account, "contact_url": url},
    }
    return {name: Told(context=each, real=of.customer is not None) for name, each in contexts.items()}


async def _of_bookings(conn: Connection, settings: Settings, of: Newest) -> dict[str, Told]:
    async def told(wanted: UUID | None, **more: object) -> Told:
        about = await _about(conn, settings, wanted or of.booking)
        paid = await _paid(conn, about["booking"])
        figures = {"paid": paid, "due": max(about["booking"].price - paid, 0)}
        return Told(context={**about, **figures, **more}, real=wanted is not None)

    confirmed = await told(of.confirmed)
    booking: Any = confirmed.context["booking"]
    gave = await cancellations.get(conn, of.giving_up) if of.giving_up else None
    given = gave or invented.given_up(booking)
    move = await departures.get_move(conn, of.move) if of.move else None
    letter = await circulars.get(conn, of.circular) if of.circular else None
    message = circulars.Message(subject=letter.subject, words=letter.words) if letter else invented.MESSAGE
    return {
        "booking_confirmed": confirmed,
        "booking_given_up": await told(of.given_up, given=given, people=sum(given.party.values())),
        "address_changed": confirmed,
        "address_left": confirmed,
        "departure_moved": await told(of.moved, move=move or invented.moved(booking)),
        "departure_near": await told(of.confirmed, nameless=0, days=max((booking.starts_on - booking.today).days, 1)),
        "circular": await told(of.circular_reader, message=message),
        "review_wanted": await told(of.home, stop_url=f"{settings.public_url}/mail/stop/a-link-of-its-own"),
    }


async def _of_balances(conn: Connection, settings: Settings, of: Newest) -> dict[str, Told]:
    consent = await consents.get(conn, of.consent) if of.consent else None
    charged = await _about(conn, settings, consent.booking_id if consent else of.booking)
    owing = await _about(conn, settings, of.owing or of.booking)
    card = {"due": await _owed(conn, charged["booking"]), "label": consent.label if consent else "Visa ending 4242"}
    return {
        "balance_due": Told(
            context={**owing, "due": await _owed(conn, owing["booking"]), "missed": False}, real=of.owing is not None
        ),
        "card_will_be_charged": Told(
            context={**charged, **card, "charged_on": charged["booking"].balance_due_on}, real=consent is not None
        ),
        "card_refused": Told(context={**charged, **card}, real=consent is not None),
    }


async def _of_money(conn: Connection, settings: Settings, of: Newest) -> dict[str, Told]:
    async def told(payment_id: UUID | None, amount: int | None = None, **more: object) -> Told:
        found = await transactions.get(conn, payment_id) if payment_id else None
        payment = found or invented.PAYMENT
        about = await _about(conn, settings, found.booking_id if found else of.booking)
        context = {**about, "transaction": payment, "amount": amount or payment.captured, **more}
        return Told(context=context, real=found is not None)

    refund = await refunds.get(conn, of.refund) if of.refund else None
    late = await refunds.get(conn, of.late_refund) if of.late_refund else None
    return {
        "payment_receipt": await told(of.payment),
        "refund_sent": await told(refund.transaction_id, refund.amount) if refund else await told(None),
        "late_money_refunded": await told(late.transaction_id, late.amount, reason=late.reason) if late else await told(None, reason="seats_gone"),
    }  # fmt: skip


async def _answer(conn: Connection, of: Newest) -> Told:
    ticket = await enquiries.get(conn, of.answered) if of.answered else None
    thread = await enquiries.list_messages(conn, ticket.id) if ticket else []
    asked = [each.message for each in thread if each.from_type == "customer"]
    answers = [each for each in thread if each.from_type == "agent"]
    if ticket is None or not answers:
        return Told(context=invented.ANSWER, real=False)
    context = {
        "ticket": ticket,
        "question": asked[-1] if asked else "",
        "answer": answers[-1].message,
        "from_name": answers[-1].name,
    }
    return Told(context=context, real=True)


async def _question(conn: Connection, settings: Settings, of: Newest) -> Told:
    asked = await questions.get(conn, of.question) if of.question else None
    shown = asked or invented.QUESTION
    link = f"{settings.public_url}/packages/{shown.package_slug}"
    context = {"asked": shown, "answer": shown.answer, "from_name": invented.ANSWER["from_name"], "link": link}
    return Told(context=context, real=asked is not None)


async def _about(conn: Connection, settings: Settings, booking_id: UUID | None) -> dict[str, Any]:
    """A booking, who travels, and a link to it that opens nothing. Without one, an invented one."""
    booking = await bookings.get(conn, booking_id) if booking_id else None
    travellers = await bookings.list_travellers(conn, booking.id) if booking else [invented.TRAVELLER]
    booking = booking or invented.BOOKING
    booking = msgspec.structs.replace(booking, balance_due_on=booking.balance_due_on or booking.starts_on)
    link = f"{settings.public_url}/manage/{booking.reference}/secret"
    return {"booking": booking, "travellers": travellers, "manage_url": link}


async def _paid(conn: Connection, booking: bookings.Booking) -> int:
    return await bookings.amount_paid(conn, booking.id, booking.currency)


async def _owed(conn: Connection, booking: bookings.Booking) -> int:
    """What is still to be paid; half of the price where nothing is."""
    return max(booking.price - await _paid(conn, booking), 0) or booking.price // 2
