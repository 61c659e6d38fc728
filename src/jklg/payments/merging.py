"""What a gateway said, merged into our rows and the books: each fact once, in whatever order and however often it is heard.

Answers about several attempts are merged in one database transaction, in about as many statements as one needs. What is
rare (money that is not wanted, refunds, disputes, what a person has to see) is done for each by itself.
Locks: departures, bookings, transactions, each in the order of their ids; then refunds. What may follow what is decided
in `rules`; the database refuses everything else (migration 0007).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from jklg import bookings, history, jobs
from jklg.bookings import Booking
from jklg.kit.db import Connection
from jklg.kit.ids import uuid7
from jklg.payments import captures, commands, concerns, consents, disputes, queries, refunds, rules
from jklg.payments.gateways.contract import Snapshot
from jklg.payments.queries import Transaction

SENT_BACK = ("seats_gone", "booking_cancelled", "paid_twice", "overpaid")
"""Why money in suspense is returned by itself. Mismatches are for a person to judge."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway said of one of our attempts, and who had asked (`source`). `capture`: take what waits for our word, if it is wanted."""

    transaction_id: UUID
    booking_id: UUID
    snapshot: Snapshot
    source: str
    capture: bool = False
    broke_silence: str | None = None
    """The gateway, if nobody had been answered by it lately."""


class _Answer(msgspec.Struct, frozen=True):
    """The same beside what we know, locked, and what follows from both."""

    transaction: Transaction
    booking: Booking
    snapshot: Snapshot
    decision: rules.Decision
    source: str
    capture: bool

    @property
    def state(self) -> str:
        return self.decision.state or self.transaction.state


async def merge(conn: Connection, transaction_id: UUID, snapshot: Snapshot, source: str, capture: bool = False) -> None:
    """Merge one answer, in the caller's database transaction."""
    transaction = await queries.get(conn, transaction_id)
    assert transaction is not None, "transactions are never deleted"
    told = Told(
        transaction_id=transaction_id, booking_id=transaction.booking_id, snapshot=snapshot, source=source, capture=capture
    )  # fmt: skip
    await merge_all(conn, [told])


async def merge_all(conn: Connection, told: Sequence[Told]) -> None:
    """Merge answers about attempts of different bookings, in the caller's database transaction: all of them, or none."""
    assert len({each.booking_id for each in told}) == len(told), "what comes second to a booking depends on the first"
    answers = await _lock(conn, told)
    if not answers:
        return
    await queries.update(conn, [_standing(each) for each in answers])
    await commands.finish_all(conn, [key for each in answers for key in _answered(each)], "done")
    await queries.add_facts(conn, [_moved(each) for each in answers if each.decision.state])
    for each in answers:
        if each.decision.anomaly and not each.decision.captured_more:
            seen = {"captured": each.snapshot.captured, "currency": each.snapshot.currency}
            await report(conn, each.transaction, each.decision.anomaly, seen)
    await _receive(conn, [each for each in answers if each.decision.captured_more])
    paid = [each.transaction.id for each in answers if each.snapshot.captured]
    if paid:
        await captures.taken(conn, paid)
    for each in answers:
        await _what_is_rare(conn, each)


async def _lock(conn: Connection, told: Sequence[Told]) -> list[_Answer]:
    """Lock what the answers are about. One that cannot be about its attempt at all is put before a person, and left out."""
    booked = await bookings.lock_all(conn, [each.booking_id for each in told])
    transactions = await queries.lock_all(conn, [each.transaction_id for each in told])
    answers = []
    for each in told:
        transaction, snapshot = transactions[each.transaction_id], each.snapshot
        known = _known(transaction)
        stranger = rules.not_ours(known, snapshot)
        if stranger is not None:
            await report(conn, transaction, "gateway_object_mismatch", {"why": stranger, "ref": snapshot.ref})
            continue
        decision = rules.decide(known, snapshot)
        answers.append(_Answer(transaction, booked[each.booking_id], snapshot, decision, each.source, each.capture))
    return answers


def _standing(answer: _Answer) -> queries.Standing:
    snapshot, decision, checks = answer.snapshot, answer.decision, _checks(answer)
    return queries.Standing(
        id=answer.transaction.id,
        state=answer.state,
        ref=snapshot.ref,
        charge_ref=snapshot.charge_ref,
        client_secret=snapshot.client_secret,
        captured=decision.captured,
        authorized=decision.authorized,
        open_at=decision.open_at,
        payment_method=snapshot.payment_method,
        receipt_url=snapshot.receipt_url,
        error_message=snapshot.error,
        checks=checks,
        look_again_seconds=rules.look_again_seconds(answer.state, checks),
    )


def _checks(answer: _Answer) -> int:
    """Only the poller's own looks are counted: a customer who keeps clicking must not use up the late ones."""
    return 0 if answer.decision.state else answer.transaction.checks + (answer.source == "poll")


def _answered(answer: _Answer) -> list[str]:
    """An answer shows that the attempt was made; one that it has ended shows what became of a wish to close it, too."""
    created = answer.transaction.request_key
    return [created] if answer.state in rules.OPEN else [created, f"cancel:{answer.transaction.id}"]


def _moved(answer: _Answer) -> queries.Fact:
    at = answer.snapshot.gateway_at
    return queries.fact_of(
        answer.transaction, object_id=answer.snapshot.ref, fact_type=answer.state, discriminator=at.isoformat() if at else "",
        source=answer.source, gateway_at=at,
    )  # fmt: skip


async def _receive(conn: Connection, answers: Sequence[_Answer]) -> None:
    """Money arrived. It goes to the bookings, or to suspense and from there back to the payer."""
    if not answers:
        return
    await queries.add_facts(
        conn,
        [
            queries.fact_of(
                each.transaction, object_id=each.snapshot.ref, fact_type="captured", discriminator=str(each.decision.captured),
                amount=each.decision.captured, source=each.source, gateway_at=each.snapshot.gateway_at,
            )
            for each in answers
        ],
    )  # fmt: skip
    received = await bookings.receive_all(
        conn,
        [
            bookings.Money(
                booking=each.booking,
                fact=("transaction", f"{each.transaction.id}:{each.decision.captured}"),
                amount=each.decision.captured_more,
                currency=each.transaction.currency,
                from_account=f"gateway_clearing:{each.transaction.gateway}",
                distrusted=each.decision.distrusted,
            )
            for each in answers
        ],
    )
    new = [(each, got.suspense_reason) for each, got in zip(answers, received, strict=True) if got.new]
    await history.record_all(conn, [_captured(each, reason) for each, reason in new])
    await jobs.announce_all(
        conn,
        [("payment.received", {"transaction_id": str(each.transaction.id)}) for each, reason in new if reason is None],
    )
    for each, reason in new:
        if reason is not None or each.decision.anomaly:
            await _not_as_expected(conn, each, reason)


def _captured(answer: _Answer, reason: str | None) -> history.Happening:
    return history.Happening(
        f"gateway:{answer.transaction.gateway}",
        "payment.captured",
        "booking",
        answer.booking.id,
        {"transaction_id": str(answer.transaction.id), "amount": answer.decision.captured_more, "suspense": reason},
    )


async def _not_as_expected(conn: Connection, answer: _Answer, reason: str | None) -> None:
    """The money is in suspense, or came after the attempt had ended here."""
    transaction, decision = answer.transaction, answer.decision
    sent_back = False
    if reason in SENT_BACK:
        # A part may have been sent back there before we heard of the money.
        await refunds.apply(conn, transaction.id, answer.snapshot.refunds, answer.source)
        sent_back = await refunds.send_back(conn, transaction, decision.captured_more, reason)
    await report(
        conn,
        transaction,
        decision.anomaly or "late_success",
        {"reason": reason, "amount": decision.captured_more, "captured": decision.captured},
        healed=reason is None or sent_back,
    )


async def _what_is_rare(conn: Connection, answer: _Answer) -> None:
    transaction, booking, snapshot = answer.transaction, answer.booking, answer.snapshot
    if snapshot.currency != transaction.currency and snapshot.captured:
        await _receive_foreign(conn, transaction, booking, snapshot)
    if answer.decision.void_needed:
        await commands.add(
            conn, command_id=uuid7(), transaction_id=transaction.id, kind="cancel", request_key=f"void:{transaction.id}"
        )
    if transaction.stumbles:
        await concerns.resolve_concerns(conn, f"cannot_be_settled:{transaction.id}:", [])
    if not snapshot.captured and answer.state not in rules.OPEN:
        await captures.over(conn, transaction.id)
    elif not snapshot.captured and answer.capture and snapshot.capturable:
        why_not = await captures.decide(conn, _known(transaction), transaction, booking, snapshot, answer.source)
        if why_not in ("amount_mismatch", "currency_mismatch"):
            await report(conn, transaction, "capture_mismatch", {"why": why_not, "capturable": snapshot.capturable})
    if snapshot.kept:
        await consents.keep(conn, transaction.id, snapshot.kept)
    await refunds.apply(conn, transaction.id, snapshot.refunds, answer.source)
    if any([await disputes.apply(conn, transaction, dispute, answer.source) for dispute in snapshot.disputes]):
        await queries.look_again(conn, transaction.id, _checks(answer), disputes.LOOK_AGAIN_SECONDS)
    if any(refund.state == "pending" for refund in snapshot.refunds):
        await queries.look_again(conn, transaction.id, _checks(answer), rules.PENDING_REFUND_SECONDS)


async def _receive_foreign(conn: Connection, transaction: Transaction, booking: Booking, snapshot: Snapshot) -> None:
    """The gateway took another currency than we asked for: kept in suspense in that currency, for a person."""
    facts_of = f"{transaction.id}:{snapshot.currency}:"
    known = await queries.captured_in_the_books(conn, transaction.gateway, "transaction", facts_of, snapshot.currency)
    if snapshot.captured <= known:
        return
    await bookings.receive_money(
        conn,
        booking,
        fact=("transaction", f"{facts_of}{snapshot.captured}"),
        amount=snapshot.captured - known,
        currency=snapshot.currency,
        from_account=f"gateway_clearing:{transaction.gateway}",
        distrusted="currency_mismatch",
    )


async def report(
    conn: Connection, transaction: Transaction, kind: str, detail: dict[str, object], *, healed: bool = False
) -> None:
    """Put something about an attempt before a person, once. `healed`: the house has dealt with it, and only tells."""
    await queries.report_anomaly(
        conn,
        anomaly_id=uuid7(),
        kind=kind,
        once_key=f"{kind}:{transaction.id}",
        transaction_id=transaction.id,
        booking_id=transaction.booking_id,
        detail=detail,
        healed=healed,
    )


def _known(transaction: Transaction) -> rules.Known:
    return rules.Known(
        id=transaction.id,
        state=transaction.state,
        amount=transaction.amount,
        currency=transaction.currency,
        livemode=transaction.livemode,
        ref=transaction.ref,
        captured=transaction.captured,
        authorized=transaction.authorized,
        open_at=transaction.open_at,
    )
