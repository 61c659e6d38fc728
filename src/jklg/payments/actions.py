"""Taking money, told in order: write the row, go and look, write what the gateway said.

`start` writes the attempt. `settle` is the one way in which anything a gateway says enters our books: the customer's
return, the webhook and the poller all end there. It may be called at any time, any number of times, by anybody.
Locks inside a database transaction: departure, booking, transaction, refund. No database transaction is open while a
gateway is called. What may follow what is decided in `rules`; the database refuses everything else (migration 0007).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from random import Random
from typing import Protocol
from uuid import UUID

import asyncpg
import msgspec

from jklg import bookings, history
from jklg.bookings import Booking
from jklg.kit import failpoints
from jklg.kit.db import SYSTEM, Connection, Database, claims, violated
from jklg.kit.errors import BadInput, Conflict, NotFound, TooMany
from jklg.kit.ids import uuid7
from jklg.payments import captures, commands, consents, queries, rules, silences
from jklg.payments.commands import Command
from jklg.payments.gateways.contract import (
    Forgetting,
    Gateway,
    GatewayBusy,
    GatewayError,
    GatewayRefused,
    GatewayUnknown,
    GatewayUnreachable,
    MethodKeeping,
    Order,
    Snapshot,
)
from jklg.payments.gateways.keys import gateway_of
from jklg.payments.merging import Told, merge, merge_all, report
from jklg.payments.queries import Transaction
from jklg.settings import Settings

log = logging.getLogger(__name__)
NOT_CONFIGURED = "gateway_not_configured"
"""Why an attempt is `unknown` whose gateway is not, or no longer, among ours, or only with keys of the other mode (test, live)."""


class House(Protocol):
    """What the money path needs of the house."""

    settings: Settings
    db: Database
    gateways: Mapping[str, Gateway]
    dice: Random


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt after looking. `unknown` says why the gateway could not tell us; the attempt then stands as before. It is not to be asked
    again before `retry_after` seconds have passed.

    `capturing`: the payer has done her part, and we are taking the money. `refused`: the gateway's no to our look.
    """

    transaction: Transaction
    booking_status: str
    unknown: str | None = None
    retry_after: float = 0
    capturing: bool = False
    refused: str | None = None


async def start(
    house: House,
    booking_id: UUID,
    gateway_name: str,
    *,
    actor: str = "guest",
    claimed_amount: int | None = None,
    claimed_currency: str | None = None,
    agreed: str | None = None,
    consent_id: UUID | None = None,
) -> Settled:
    """Open an attempt for what a booking owes now, or find the one that is open, and bring it to the gateway.

    Without a claimed amount that is its first part that is not paid: the deposit, the balance, or all at once. `agreed`: the words by which
    the payer lets us charge the rest later; where nothing is left to charge, or the gateway keeps no cards, nothing is kept. `consent_id`:
    charge the card that was kept by it, without her.

    Raises, in the order checked: BadInput (gateway_not_offered); NotFound (booking_not_found); Conflict
    (booking_ended, hold_expired, already_paid); BadInput (amount_mismatch); Conflict (payment_open: with another
    gateway, under keys of the other mode, or of another amount); TooMany (too_many_attempts); Conflict (card_not_agreed: the
    consent does not live). A booking that costs nothing is confirmed here and raises Conflict (nothing_to_pay).
    """
    gateway = house.gateways.get(gateway_name)
    if gateway is None:
        raise BadInput("gateway_not_offered", "This way of paying is not offered.")
    try:
        async with house.db.transaction(claims("system", actor=actor)) as conn:
            transaction_id = await _write_attempt(
                conn, house, booking_id, gateway, actor, claimed_amount, claimed_currency, agreed, consent_id
            )
    except asyncpg.IntegrityConstraintViolationError as error:
        if violated(error) != "transactions_want_consent":
            raise
        raise Conflict("card_not_agreed", "This card may not be charged any more.") from error
    if transaction_id is None:
        raise Conflict("nothing_to_pay", "There is nothing to pay: your booking is confirmed.", outcome=True)
    await failpoints.reach("after_intent_commit")
    return await settle(house, transaction_id, source="answer")


async def _write_attempt(
    conn: Connection,
    house: House,
    booking_id: UUID,
    gateway: Gateway,
    actor: str,
    claimed_amount: int | None,
    claimed_currency: str | None,
    agreed: str | None,
    consent_id: UUID | None,
) -> UUID | None:
    booking = await bookings.lock(conn, booking_id)
    if booking.status in ("cancelled", "expired", "completed"):
        raise Conflict("booking_ended", "This booking has ended. Nothing was taken.")
    paid = await bookings.amount_paid(conn, booking.id, booking.currency)
    due = max(booking.price - paid, 0)
    if booking.status == "confirmed" and due == 0:
        raise Conflict("already_paid", "This booking is paid. Nothing more is due.")
    if booking.status == "held" and booking.hold_seconds_left == 0:
        raise Conflict("hold_expired", "The time to pay has run out and the seats were released. Nothing was taken.")
    first_due = max(booking.confirms_at - paid, 0)
    parts = rules.payables(due, first_due, booking.balance_due_on)
    amount = rules.payable(parts, rules.least(due, first_due), claimed_amount, claimed_currency, booking.currency)
    if amount == 0:
        await bookings.confirm(conn, booking)
        return None
    open_attempt = await queries.find_open(conn, booking.id)
    if open_attempt is not None:
        if (open_attempt.gateway, open_attempt.livemode) != (gateway.name, gateway.livemode):
            raise Conflict(
                "payment_open",
                "A payment with another provider is still open. Please finish or cancel it first.",
                details={"transactionId": str(open_attempt.id), "gateway": open_attempt.gateway},
            )
        if claimed_amount is None or open_attempt.amount == amount:
            return open_attempt.id
        raise Conflict(
            "payment_open",
            "A payment of another amount is still open. Please finish or cancel it first.",
            details={"transactionId": str(open_attempt.id), "gateway": open_attempt.gateway},
        )
    if await queries.count_recent(conn, booking.id) >= rules.MAX_ATTEMPTS_PER_HOUR:
        raise TooMany("too_many_attempts", "Too many attempts to pay. Please wait an hour, or write to us.")
    transaction_id = uuid7()
    await queries.insert(
        conn,
        transaction_id=transaction_id,
        booking_id=booking.id,
        amount=amount,
        currency=booking.currency,
        gateway=gateway.name,
        livemode=gateway.livemode,
        request_key=f"create:{transaction_id}",
        description=f"{booking.package_name}, {booking.starts_on.isoformat()}",
        consent_id=consent_id,
    )
    if agreed and amount < due and isinstance(gateway, MethodKeeping):
        await consents.give(conn, booking, transaction_id, gateway, agreed, actor)
    await commands.add(
        conn, command_id=uuid7(), transaction_id=transaction_id, kind="create", request_key=f"create:{transaction_id}"
    )
    await bookings.extend_hold(conn, booking.id, house.settings.hold_minutes)
    await history.record(
        conn, actor, "payment.started", "booking", booking.id, {"transaction_id": str(transaction_id), "amount": amount}
    )
    return transaction_id


async def settle(
    house: House,
    transaction_id: UUID,
    *,
    source: str,
    hint_ref: str | None = None,
    capture: bool = True,
    closing: bool = False,
) -> Settled:
    """Bring one attempt into line with what its gateway says now, and the booking with it.

    `source` is who rang: answer, return, cancel, webhook or poll. `hint_ref` is the gateway's id from a webhook that arrived
    before our own answer did. Money that waits for our word is taken if the booking wants it, unless `capture` says no. `closing`: the
    caller wants the attempt closed, so that no card is charged for it any more.
    NotFound: transaction_not_found. A gateway that does not answer is not an error: the attempt stays as it is,
    `unknown` says so, and the poller comes back.
    """
    found = await house.db.together(read, who=SYSTEM)(transaction_id)
    if found is None:
        raise NotFound("transaction_not_found", "We cannot find this payment.")
    transaction, booking = found
    gateway = gateway_of(house.gateways, transaction.gateway, transaction.livemode)
    if gateway is None:
        return Settled(transaction=transaction, booking_status=booking.status, unknown=NOT_CONFIGURED)
    try:
        snapshot = await _ask(house, gateway, transaction, booking, hint_ref, closing)
    except GatewayRefused as refusal:
        ended = await forgotten(house, gateway, transaction, refusal)
        if ended is None:
            return await _refused(house, transaction, refusal)
        snapshot = ended
    except GatewayError as silence:
        return await _unanswered(house, transaction, booking, silence)
    await failpoints.reach("after_gateway_answer")
    settled = await _book(house, transaction, snapshot, source, capture)
    if not (capture and snapshot.capturable):
        return settled
    made = await captures.make(house, gateway, settled.transaction, booking)
    if made is None:
        return settled
    if made.answer is None:
        return msgspec.structs.replace(settled, unknown=made.unknown, retry_after=made.retry_after, capturing=True)
    return await _book(house, transaction, made.answer, "answer", False)


async def _book(house: House, transaction: Transaction, snapshot: Snapshot, source: str, capture: bool) -> Settled:
    """Write an answer down, whole or not at all; beside those to other payments that come in the same moment (docs/decisions/15)."""
    told = Told(
        transaction_id=transaction.id,
        booking_id=transaction.booking_id,
        snapshot=snapshot,
        source=source,
        capture=capture,
        broke_silence=transaction.gateway if transaction.gateway_silent else None,
    )
    who = claims("system", actor=f"gateway:{transaction.gateway}", reason=source)
    settled = await house.db.together(_book_all, key=_booking_of, writes=True, who=who)(told)
    assert settled is not None, "transactions are never deleted"
    await failpoints.reach("after_apply_commit")
    return settled


async def _book_all(conn: Connection, told: Sequence[Told]) -> dict[UUID, Settled]:
    for gateway in {each.broke_silence for each in told if each.broke_silence}:
        await silences.end(conn, gateway)
    await merge_all(conn, told)
    now = await read(conn, [each.transaction_id for each in told])
    await failpoints.reach("before_apply_commit")
    return {booking.id: Settled(transaction=each, booking_status=booking.status) for each, booking in now.values()}


def _booking_of(told: Told) -> UUID:
    return told.booking_id


async def read(conn: Connection, transaction_ids: Sequence[UUID]) -> dict[UUID, tuple[Transaction, Booking]]:
    """Attempts as they stand, with their bookings. Locks nothing."""
    transactions = await queries.get_all(conn, transaction_ids)
    booked = await bookings.get_all(conn, [each.booking_id for each in transactions.values()])
    return {each.id: (each, booked[each.booking_id]) for each in transactions.values()}


async def _ask(
    house: House, gateway: Gateway, transaction: Transaction, booking: Booking, hint_ref: str | None, closing: bool
) -> Snapshot:
    """What the gateway says now. An attempt it has not confirmed yet is sent again under its key, or looked for.

    To send a charge of a kept card is to take the money: that is only looked for once its consent has ended, or somebody wants it closed.
    """
    ref = transaction.ref or hint_ref
    if ref is not None:
        return await gateway.fetch(ref)
    order = Order(
        transaction_id=transaction.id,
        booking_id=booking.id,
        booking_reference=booking.reference,
        amount=transaction.amount,
        currency=transaction.currency,
        request_key=transaction.request_key,
        description=f"{booking.package_name}, {booking.starts_on.isoformat()}, {booking.reference}",
        email=booking.email,
        return_url=f"{house.settings.public_url}/bookings/{booking.reference}/return?transaction={transaction.id}",
        created_at=transaction.created_at,
    )
    async with house.db.transaction() as conn:
        given = await consents.given_with(conn, transaction.id)
        command = await commands.lock(conn, transaction.request_key)
        assert command is not None, "an attempt is written with its command"
        if command.state == "rejected":
            raise GatewayRefused("rejected_before")
        charged = await consents.get(conn, transaction.consent_id) if transaction.consent_id else None
        unwanted = charged is not None and (
            closing or charged.ended_at is not None or await commands.get(conn, f"cancel:{transaction.id}") is not None
        )
        may_send = not unwanted and rules.may_send_again(command.seconds_since_first, gateway.key_lifetime_seconds)
        if may_send:
            await commands.sending(conn, command.id, rules.retry_seconds(command.attempts, house.dice.random()))
        elif command.first_sent_at is None:
            await commands.finish(conn, command.id, "rejected", "never sent")
    order = msgspec.structs.replace(order, keep=given and given.id, charge=charged and charged.method)
    if may_send:
        return await _send(house, gateway, order, command)
    if command.first_sent_at is None:
        raise GatewayRefused("never_sent", "the gateway has never heard of it, and is not to")
    # It can only have been made after it was first sent, which may be long after it was written.
    found = await gateway.find(msgspec.structs.replace(order, created_at=command.first_sent_at))
    if found is not None:
        return found
    if unwanted and command.seconds_overdue < rules.ON_ITS_WAY_SECONDS:
        raise _NotThere("not_there_yet", "the gateway has no such attempt, and may be about to make it")
    raise GatewayRefused("never_created", "the gateway has no such attempt, and nobody will send it again")


async def _send(house: House, gateway: Gateway, order: Order, command: Command) -> Snapshot:
    try:
        async with commands.in_time():
            return await gateway.create(order)
    except GatewayUnreachable:
        async with house.db.transaction() as conn:
            await commands.not_sent(conn, command)
        raise


class _NotThere(GatewayUnknown):
    """The gateway has answered that it has no such attempt, which proves nothing yet."""


async def forgotten(
    house: House, gateway: Gateway, transaction: Transaction, refusal: GatewayRefused
) -> Snapshot | None:
    """How an attempt has ended that its gateway forgot, as it forgets what it took nothing of; None when that is no proof.

    No proof: not found too soon; something was being taken when we last saw it; a capture of ours may still be on its way. Those are for
    a person.
    """
    if refusal.code != "not_found" or not isinstance(gateway, Forgetting) or transaction.ref is None:
        return None
    if transaction.captured or transaction.state == "processing":
        return None
    async with house.db.transaction() as conn:
        made = await commands.get(conn, transaction.request_key)
        asked = await commands.list_captures(conn, transaction.id)
    if made is None or made.seconds_since_first < gateway.forgets_after_seconds:
        return None
    sent = asked[-1] if asked and asked[-1].state == "unknown" else None
    if sent is not None and rules.may_send_again(sent.seconds_since_first, gateway.key_lifetime_seconds):
        return None
    return Snapshot(
        ref=transaction.ref, transaction_id=transaction.id, state="expired", amount=transaction.amount, currency=transaction.currency,
        livemode=transaction.livemode,
    )  # fmt: skip


async def _refused(house: House, transaction: Transaction, refusal: GatewayRefused) -> Settled:
    """A proven no. To creating: the attempt has failed. To fetching what existed: a person should look."""
    async with house.db.transaction(
        claims("system", actor=f"gateway:{transaction.gateway}", reason=refusal.code)
    ) as conn:
        if transaction.gateway_silent:
            await silences.end(conn, transaction.gateway)
        await bookings.lock(conn, transaction.booking_id)
        now = await queries.lock(conn, transaction.id)
        if now.ref is None and now.state in ("created", "submitting"):
            await commands.finish_all(conn, [now.request_key, f"cancel:{now.id}"], "rejected", str(refusal))
            await queries.fail(conn, now.id, refusal.detail or refusal.code)
        else:
            await queries.look_again(conn, now.id, now.checks + 1, rules.look_again_seconds(now.state, now.checks + 1))
            await report(conn, now, "gateway_refused_lookup", {"code": refusal.code, "detail": refusal.detail})
        return msgspec.structs.replace(await seen(conn, now.id), refused=refusal.code)


async def _unanswered(house: House, transaction: Transaction, booking: Booking, silence: GatewayError) -> Settled:
    """No answer proves nothing. Nothing moves; we come back later, and no sooner than a busy gateway asks."""
    log.warning("%s did not answer about %s: %s", transaction.gateway, transaction.id, silence)
    checks = transaction.checks + (transaction.state in rules.OPEN)  # a late look without an answer is still to be had
    asked, wait = silence.retry_after, min(rules.look_again_seconds(transaction.state, checks) or 600, 600)
    async with house.db.transaction() as conn:
        if not isinstance(silence, GatewayBusy | _NotThere):  # those are answers
            await silences.begin(conn, transaction.gateway)
        await queries.look_again(conn, transaction.id, checks, max(wait, asked))
    return Settled(transaction=transaction, booking_status=booking.status, unknown=silence.code, retry_after=asked)


async def cancel_attempt(house: House, transaction_id: UUID, *, actor: str, leftover: bool = False) -> Settled:
    """Close an open attempt at its gateway, then look what became of it: it may have succeeded in the meantime.

    `leftover`: it has ended here, and was found open there. The wish is written down with the time of its next try, so that
    a gateway that is silent, gone, or cannot close this one yet is asked ever more rarely, and others get their turn.
    """
    # What she has approved in time is still taken when the clock closes it, and left alone when she asks for that herself.
    settled = await settle(house, transaction_id, source="cancel", capture=actor == "system", closing=True)
    transaction = settled.transaction
    gateway = gateway_of(house.gateways, transaction.gateway, transaction.livemode)
    if transaction.state not in rules.OPEN and not leftover:
        return settled
    request_key = f"{'void' if leftover else 'cancel'}:{transaction.id}"
    async with house.db.transaction(claims("system", actor=actor)) as conn:
        now = await queries.lock(conn, transaction.id)
        if now.state not in rules.OPEN and not leftover:
            return await seen(conn, transaction.id)  # somebody was quicker
        if settled.unknown == NOT_CONFIGURED and not leftover:  # only a person can close it now
            await report(conn, now, "gateway_refused_lookup", {"code": NOT_CONFIGURED})
        await commands.add(
            conn, command_id=uuid7(), transaction_id=transaction.id, kind="cancel", request_key=request_key
        )
        command = await commands.get(conn, request_key)
        assert command is not None, "just written"
        pause = max(rules.retry_seconds(command.attempts, house.dice.random()), settled.retry_after)
        await commands.sending(conn, command.id, pause)
    if settled.unknown or gateway is None or transaction.ref is None:
        return settled
    try:  # a key of its own for each try: a gateway repeats its answer to a key, refusals too
        snapshot = await gateway.cancel(transaction.ref, f"{request_key}:{command.attempts}")
    except GatewayRefused as refusal:
        async with house.db.transaction() as conn:
            await commands.refuse(conn, command.id, pause, str(refusal))
        return await settle(house, transaction.id, source="cancel", capture=False)
    except GatewayError as silence:
        async with house.db.transaction() as conn:
            await commands.postpone(conn, command.id, max(pause, silence.retry_after), str(silence))
        return msgspec.structs.replace(settled, unknown=silence.code, retry_after=silence.retry_after)
    who = claims("system", actor=f"gateway:{transaction.gateway}", reason="answer")
    async with house.db.transaction(who) as conn:
        await merge(conn, transaction.id, snapshot, "answer")
        await commands.finish(conn, command.id, "done")
        return await seen(conn, transaction.id)


async def give_up(house: House, booking_id: UUID, *, actor: str) -> Booking:
    """The customer cancels a booking that is not paid yet: first the open payment, then the claim on the seats.

    Raises NotFound (booking_not_found), Conflict (booking_ended, booking_paid). Money that arrives all the same is sent back.
    """
    async with house.db.transaction() as conn:
        open_attempt = await queries.find_open(conn, booking_id)
    if open_attempt is not None:
        await cancel_attempt(house, open_attempt.id, actor=actor)
    async with house.db.transaction(claims("system", actor=actor)) as conn:
        return await bookings.cancel(conn, booking_id, actor=actor)


async def seen(conn: Connection, transaction_id: UUID) -> Settled:
    """An attempt as it stands, with its booking's status. Locks nothing."""
    transaction, booking = (await read(conn, [transaction_id]))[transaction_id]
    return Settled(transaction=transaction, booking_status=booking.status)
