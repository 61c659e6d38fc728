"""Money of a payment that the house knows nothing of: a person gives it to a booking, or says that it is the agency's own.

The third way, to send it back, is the gateway's own page: there is no row of ours under which we could ask for it, and what has gone back there is
taken out of suspense by itself (`payments.receive_stray`).
"""

from __future__ import annotations

from uuid import UUID

from jklg import bookings, history, ledger
from jklg.bookings import Booking
from jklg.bookings.queries import get_by_reference
from jklg.bookings.rules import REFERENCE, not_found
from jklg.kit.db import Connection, claims
from jklg.kit.errors import BadInput, Conflict, NotFound, Unavailable
from jklg.kit.ids import uuid7
from jklg.payments import actions, concerns, concerns_queries, merging, queries
from jklg.payments.actions import House
from jklg.payments.gateways.contract import GatewayError, Snapshot
from jklg.payments.queries import Anomaly
from jklg.payments.refunds.rules import SUSPENSE

OWN = "gateway_other"
"""What moved at a gateway and belongs to no booking: said so by a person. The account of adopted movements, too."""


async def attach(house: House, concern_id: UUID, reference: str, *, actor: str) -> UUID:
    """Make a stranger's payment one of the booking `reference`, as if it had been begun for it. The attempt that it is from now on.

    The gateway is asked first. Raises, in the order checked: NotFound (concern_not_found, booking_not_found); Conflict (concern_settled,
    not_a_stranger); Unavailable (gateway_silent); Conflict (payment_open: it could not be closed); Conflict (other_currency, not_enough,
    money_not_wanted: the booking has no use for all of it).
    """
    reference = reference.strip().upper()
    async with house.db.transaction() as conn:
        concern = await _stranger(conn, concern_id)
        booking = await get_by_reference(conn, reference) if REFERENCE.fullmatch(reference) else None
        if booking is None:
            raise not_found()
        open_attempt = await queries.find_open(conn, booking.id)
    snapshot = await _fetch(house, concern)
    if open_attempt is not None:
        await actions.cancel_attempt(house, open_attempt.id, actor=actor)
    async with house.db.transaction(claims("system", actor=actor, reason="attached")) as conn:
        booking = await bookings.lock(conn, booking.id)
        concern = await _stranger(conn, concern_id, lock=True)
        if await queries.find_open(conn, booking.id) is not None:
            raise Conflict(
                "payment_open", "A payment is still open, and could not be closed. Please look again in a minute."
            )
        await _check(conn, booking, snapshot)
        gateway, ref = str(concern.detail["gateway"]), snapshot.ref
        await _out_of_suspense(conn, concern, f"gateway_clearing:{gateway}", "stray_attached", concern.id)
        transaction_id = uuid7()
        await queries.insert(
            conn,
            transaction_id=transaction_id,
            booking_id=booking.id,
            amount=snapshot.captured,
            currency=snapshot.currency,
            gateway=gateway,
            livemode=snapshot.livemode,
            request_key=f"attached:{transaction_id}",
            description=f"{gateway} {ref}, given to this booking by hand",
            ref=ref,
        )
        await merging.merge(conn, transaction_id, snapshot, "staff")
        await concerns.settle_concern_in(
            conn, concern.id, actor=actor, note=f"Given to the booking {booking.reference}."
        )
        detail = {"transaction_id": str(transaction_id), "ref": ref, "amount": snapshot.captured}
        await history.record(conn, actor, "payment.attached", "booking", booking.id, detail)
        return transaction_id


async def keep(house: House, concern_id: UUID, *, note: str, actor: str) -> int:
    """It is the agency's own, and `note` says what it was: out of suspense, into the account of such things. Answers how much, in minor units.

    Raises, in the order checked: BadInput (note_missing); NotFound (concern_not_found); Conflict (concern_settled, not_a_stranger); NotFound
    (nothing_in_suspense).
    """
    note = note.strip()[:2000]
    if not note:
        raise BadInput("note_missing", "Please say what it was.", details={"field": "what"})
    async with house.db.transaction(claims("system", actor=actor, reason="kept")) as conn:
        concern = await _stranger(conn, concern_id, lock=True)
        amount = await _out_of_suspense(conn, concern, OWN, "stray_kept", concern.id)
        if not amount:
            raise NotFound("nothing_in_suspense", "There is no money in suspense for this payment any more.")
        await concerns.settle_concern_in(conn, concern.id, actor=actor, note=note)
        await history.record(conn, actor, "concern.kept", "anomaly", concern.id, {"amount": amount})
        return amount


async def _stranger(conn: Connection, concern_id: UUID, *, lock: bool = False) -> Anomaly:
    concern = await (queries.lock_anomaly if lock else queries.get_anomaly)(conn, concern_id)
    if concern is None:
        raise NotFound("concern_not_found", "We cannot find this.")
    if concern.resolved_at is not None:
        raise Conflict("concern_settled", "This has been settled already.")
    if concern.kind != "unmatched_gateway_object":
        raise Conflict("not_a_stranger", "This is about a payment of ours.")
    return concern


async def _fetch(house: House, concern: Anomaly) -> Snapshot:
    gateway = house.gateways.get(str(concern.detail["gateway"]))
    try:
        if gateway is None:
            raise GatewayError("gateway_not_configured")
        return await gateway.fetch(str(concern.detail["ref"]))
    except GatewayError as silence:
        raise Unavailable("gateway_silent", "The gateway does not answer. Please try again in a while.") from silence


async def _check(conn: Connection, booking: Booking, snapshot: Snapshot) -> None:
    """All of it is wanted, or nothing is done: what the booking has no use for would go straight back."""
    if snapshot.currency != booking.currency:
        raise Conflict("other_currency", "The booking is paid in another currency.")
    if not snapshot.captured or snapshot.refunds or snapshot.transaction_id is not None:
        raise Conflict(
            "money_not_wanted", "A part of this payment has gone back, or it carries the number of something else."
        )
    if await bookings.no_use_for_money(conn, booking, snapshot.captured) is not None:
        raise Conflict("money_not_wanted", "This booking has ended, or less than this is due on it.")
    paid = await bookings.amount_paid(conn, booking.id, booking.currency)
    if booking.status in ("held", "expired") and paid + snapshot.captured < booking.confirms_at:
        raise Conflict(
            "not_enough", "This does not pay the first part of the booking, so its seats cannot be confirmed with it."
        )


async def _out_of_suspense(conn: Connection, concern: Anomaly, to: str, kind: str, once: UUID) -> int:
    """All that lies there of a stranger's payment. Answers how much, in minor units."""
    gateway, ref, currency = (str(concern.detail[name]) for name in ("gateway", "ref", "currency"))
    amount = await concerns_queries.stray_lying(conn, gateway, ref, currency)
    if amount:
        fact = f"{gateway}:{ref}:{once}"
        await ledger.post(conn, kind, "gateway_object", fact, None, currency, [(SUSPENSE, amount), (to, -amount)])
    return amount
