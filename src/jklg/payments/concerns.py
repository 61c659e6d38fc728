"""What could not be healed by itself: somebody takes it on, and says how it was settled."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jklg import bookings, history
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.ids import uuid7
from jklg.payments import concerns_queries, queries
from jklg.payments.queries import Anomaly

ABOUT_MONEY = ("late_success", "amount_mismatch", "currency_mismatch", "refund_failed", "money_left_behind")
"""Kinds that speak of money of a booking which lies with us."""
NOT_GONE_BACK = ("refund_failed", "refund_waits", "money_left_behind")
"""Kinds that say why a booking keeps more than its price."""
BESIDE_MONEY = ("dispute", "early_fraud_warning", "payment_review", "money_taken_back")
"""Kinds that stand on a booking and say nothing of money of it that lies with us."""
STILL_LIES = {
    "suspense:unapplied": "Money of this booking is still in suspense. Apply it to the booking or send it back; then this settles itself.",
    "refunds_owed": "We still owe the customer a refund that did not arrive. Send it again, or write down how it was paid; then this settles itself.",
    "customer_deposits": "The booking still keeps more than it costs. Send back what is beyond its price; then this settles itself.",
    "by_hand": "This money is still to be given back. Give it back and say so at the booking's money, under its refunds; then this settles itself.",
    "stray": "The money of this payment is still in suspense. Give it to a booking, book it as the agency's own, or send it back at the gateway.",
}


async def report_concern(
    conn: Connection,
    kind: str,
    about: str,
    detail: dict[str, object],
    *,
    transaction_id: UUID | None = None,
    booking_id: UUID | None = None,
) -> bool:
    """Put something before a person that may come, go and come again; `about` names its subject. True when nobody was told of it before.

    In the caller's database transaction. While it is open it is brought up to date; what a person has settled stays settled as long as
    it is there (`resolve_concerns`) and `detail["difference"]` (minor units) is the same.
    """
    return await concerns_queries.report_again(
        conn, anomaly_id=uuid7(), kind=kind, about=about, transaction_id=transaction_id, booking_id=booking_id, detail=detail,
    )  # fmt: skip


async def resolve_concerns(conn: Connection, prefix: str, still: Sequence[str]) -> int:
    """Open concerns whose subject begins with `prefix` and is not among `still` have settled themselves. How many did. What a person has settled
    of these is over: should it come again, that is told again.

    In the caller's database transaction; locks what it settles.
    """
    return await concerns_queries.resolve_others(conn, prefix, still)


async def resolve_when_nothing_lies(conn: Connection, booking_id: UUID, *, by: str = "system", note: str = "") -> None:
    """Concerns about money of a booking that was with us and should not be settle themselves when none is left: none in suspense, none
    owed, none beyond the price. In the caller's database transaction, which holds the booking's lock."""
    if not await concerns_queries.list_lying(conn, booking_id):
        await concerns_queries.resolve_of_booking(conn, booking_id, ABOUT_MONEY, by, note)


async def take_on(db: Database, anomaly_id: UUID, *, actor: str) -> None:
    """Make it `actor`'s ('staff:<id>'), whoever had it before. NotFound (concern_not_found), Conflict (concern_settled)."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        concern = await queries.lock_anomaly(conn, anomaly_id)
        if concern is None:
            raise _unknown()
        if concern.resolved_at is not None:
            raise _over()
        await queries.own_anomaly(conn, anomaly_id, actor)
        await history.record(conn, actor, "concern.taken_on", "anomaly", anomaly_id)


async def settle_concern(db: Database, anomaly_id: UUID, *, actor: str, note: str) -> None:
    """It is dealt with, in `note`'s words (up to 2,000 characters). The words stay with it; nothing else changes.

    Raises BadInput (note_missing), NotFound (concern_not_found), Conflict (concern_settled, money_still_lies).
    """
    note = note.strip()[:2000]
    if not note:
        raise BadInput("note_missing", "Please say how it was settled.", details={"field": "note"})
    async with db.transaction(claims("system", actor=actor)) as conn:
        await settle_concern_in(conn, anomaly_id, actor=actor, note=note)


async def settle_concern_in(conn: Connection, anomaly_id: UUID, *, actor: str, note: str, over: bool = False) -> None:
    """The same in the caller's database transaction, where something else is done about it: with that it is `over`, or it may still be there.
    Locks the booking it is about, and the concern.

    Raises NotFound (concern_not_found), Conflict (concern_settled; money_still_lies: nothing else would tell of it any more).
    """
    concern = await queries.get_anomaly(conn, anomaly_id)
    if concern is not None and concern.booking_id is not None:
        await bookings.lock(conn, concern.booking_id)  # whoever settles another concern of it waits, and looks after us
    concern = await queries.lock_anomaly(conn, anomaly_id)
    if concern is None:
        raise _unknown()
    if concern.resolved_at is not None:
        raise _over()
    await _still_told(conn, concern)
    await queries.settle_anomaly(conn, anomaly_id, actor, note, over=over)
    await history.record(conn, actor, "concern.settled", "anomaly", anomaly_id)


async def _still_told(conn: Connection, concern: Anomaly) -> None:
    """Money that lies with us is told of by another concern, when this one is settled. Conflict: money_still_lies."""
    if concern.kind == "unmatched_gateway_object":
        gateway, ref, currency = (str(concern.detail.get(name)) for name in ("gateway", "ref", "currency"))
        if await concerns_queries.stray_lying(conn, gateway, ref, currency):
            raise _still_lies("stray")
    by_hand = concern.kind == "refund_by_hand"
    if by_hand and await concerns_queries.is_to_give_back(conn, str(concern.detail["refund_id"])):
        raise _still_lies("by_hand")
    if concern.booking_id is None:
        return
    others = await concerns_queries.list_open_kinds(conn, concern.booking_id, concern.id)
    for lying in await concerns_queries.list_lying(conn, concern.booking_id):
        beyond = lying.account == "customer_deposits"
        tells = NOT_GONE_BACK.__contains__ if beyond else _of_money
        if tells(concern.kind) and not any(tells(kind) for kind in others):
            raise _still_lies(lying.account)


def _of_money(kind: str) -> bool:
    return kind not in BESIDE_MONEY


def _still_lies(what: str) -> Conflict:
    return Conflict("money_still_lies", STILL_LIES[what])


def _unknown() -> NotFound:
    return NotFound("concern_not_found", "We cannot find this.")


def _over() -> Conflict:
    return Conflict("concern_settled", "This has been settled already.")
