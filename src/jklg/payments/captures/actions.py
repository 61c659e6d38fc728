"""Capturing, told in order: decide while the booking is locked, commit, ask the gateway, hand its answer to `settle`.

An approved PayPal order, an authorised Razorpay payment and a Stripe payment with manual capture move no money until we
say so. We say so only while the booking wants the money (payments.md 1.9, H08). What is not wanted is closed by the
sweeps that close any leftover attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random
from typing import Protocol
from uuid import UUID

import msgspec

from jklg import bookings, history
from jklg.bookings import Booking
from jklg.kit import failpoints
from jklg.kit.db import Connection, Database, claims
from jklg.kit.ids import uuid7
from jklg.payments import commands, queries
from jklg.payments import rules as payment_rules
from jklg.payments.captures import rules
from jklg.payments.commands import Command
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused, Snapshot
from jklg.payments.queries import Transaction
from jklg.payments.rules import Known

log = logging.getLogger(__name__)


class House(Protocol):
    """What capturing needs of the house."""

    db: Database
    dice: Random


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What became of asking. `answer`: how the attempt stands now. `unknown`: asked, and nobody can tell yet, nor should ask for
    `retry_after` seconds."""

    answer: Snapshot | None = None
    unknown: str | None = None
    retry_after: float = 0


async def decide(
    conn: Connection, known: Known, transaction: Transaction, booking: Booking, snapshot: Snapshot, source: str
) -> str | None:
    """Write the command to take what waits, if we want it; else say why not. The caller holds the locks down to the transaction."""
    asked = await commands.list_captures(conn, transaction.id)
    if asked and asked[-1].state == "unknown":
        return None  # already asked: what the payer was told is only found out by asking again under the same key
    no_use = await bookings.no_use_for_money(conn, booking, transaction.amount)
    why_not = rules.refusal(known, snapshot, no_use)
    if why_not is not None:
        return why_not
    refused = sum(each.state == "rejected" for each in asked)
    if refused and (source != rules.PAYER_IS_BACK or refused >= rules.MAX_CAPTURES):
        return "refused_before"
    key = rules.request_key(transaction.id, refused)
    await commands.add(conn, command_id=uuid7(), transaction_id=transaction.id, kind="capture", request_key=key)
    if not asked or asked[-1].request_key != key:
        await history.record(
            conn, "system", "payment.capture_wanted", "booking", booking.id, {"transaction_id": str(transaction.id)}
        )
    return None


async def taken(conn: Connection, transaction_ids: Sequence[UUID]) -> None:
    """The gateway shows money taken of these: what we had asked for, or were about to, is done."""
    await commands.finish_captures(conn, transaction_ids)


async def over(conn: Connection, transaction_id: UUID) -> None:
    """The attempt has ended without money: what we had asked for, or were about to, will not come."""
    await commands.end_captures(conn, transaction_id)


async def make(house: House, gateway: Gateway, transaction: Transaction, booking: Booking) -> Made | None:
    """Ask the gateway for what `decide` wrote, if anything is to be asked now. None: nothing is under way.

    No database transaction is open during the call. One asker at a time; without an answer the same key is sent again
    later, until the gateway may have forgotten it: that is a refusal then, as the caller has just looked. Nor is it sent again, or at all,
    when the attempt has ended here meanwhile, or its booking has no use for the money any more: whoever closes the attempt ends the wish.
    """
    who = claims("system", actor="captures")
    async with house.db.transaction(who) as conn:
        booking = await bookings.lock(conn, booking.id)
        now = await queries.lock(conn, transaction.id)
        asked = await commands.list_captures(conn, transaction.id)
        if not asked or asked[-1].state not in ("pending", "unknown") or now.captured:
            return None
        command, ref = asked[-1], now.ref
        if now.state not in payment_rules.OPEN or ref is None:
            return None
        pause = payment_rules.retry_seconds(command.attempts, house.dice.random())
        if not payment_rules.may_send_again(command.seconds_since_first, gateway.key_lifetime_seconds):
            await _lapsed(conn, command, transaction)
            return None
        if await bookings.no_use_for_money(conn, booking, now.amount) is not None:
            return None
        if not await commands.claim(conn, command.request_key):
            return Made(unknown="capture_under_way")
    await failpoints.reach("after_intent_commit")
    try:
        async with commands.in_time():
            answer = await gateway.capture(
                ref=ref, amount=now.amount, currency=now.currency, request_key=command.request_key
            )
    except GatewayRefused as refusal:
        return await _refused(house, gateway, command, ref, refusal)
    except GatewayError as silence:
        log.warning("%s did not answer about %s: %s", gateway.name, command.request_key, silence)
        wait = max(pause, silence.retry_after)
        async with house.db.transaction() as conn:
            # The attempt first: whoever settles it meanwhile has it, and wants its commands.
            await queries.look_again(conn, transaction.id, now.checks, wait)
            await commands.postpone(conn, command.id, wait, str(silence))
        return Made(unknown=silence.code, retry_after=silence.retry_after)
    await failpoints.reach("after_gateway_answer")
    return Made(answer=answer)


async def _lapsed(conn: Connection, command: Command, transaction: Transaction) -> None:
    """Nobody answered for as long as the gateway remembers our key, and it has just shown that nothing was taken: like a refusal."""
    await commands.finish(conn, command.id, "rejected", "its key has lapsed")
    await queries.report_anomaly(
        conn,
        anomaly_id=uuid7(),
        kind="capture_unknown",
        once_key=f"capture_unknown:{command.request_key}",
        transaction_id=transaction.id,
        booking_id=transaction.booking_id,
        detail={"request_key": command.request_key},
        healed=True,
    )


async def _refused(house: House, gateway: Gateway, command: Command, ref: str, refusal: GatewayRefused) -> Made:
    """A no may mean that it was taken before, or that the payer must choose another card: the attempt itself says which."""
    try:
        answer = await gateway.fetch(ref)
    except GatewayError as silence:
        return Made(unknown=silence.code)  # the command stays unknown: the next look asks again, and is told the same
    async with house.db.transaction() as conn:
        await commands.finish(conn, command.id, "done" if answer.captured else "rejected", str(refusal))
    if answer.captured:
        return Made(answer=answer)
    return Made(answer=msgspec.structs.replace(answer, error=refusal.detail or refusal.code))
