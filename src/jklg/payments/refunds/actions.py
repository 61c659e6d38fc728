"""Refunds, told like payments: reserve the row, ask the gateway, book what it said.

This issue sends back late money by itself; refunds by staff come with the refund desk. The locks are those of
payments: departure, booking, transaction, refund.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from random import Random
from typing import Protocol
from uuid import UUID

from jklg import bookings, history, jobs, ledger
from jklg.kit.db import Connection, Database, claims
from jklg.kit.ids import uuid7
from jklg.payments import commands, disputes
from jklg.payments import queries as payment_queries
from jklg.payments import rules as payment_rules
from jklg.payments.commands import Command
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused, RefundSnapshot
from jklg.payments.queries import Transaction
from jklg.payments.refunds import queries, rules

log = logging.getLogger(__name__)

SUSPENSE = "suspense:unapplied"


class House(Protocol):
    """What refunds need of the house."""

    db: Database
    gateways: Mapping[str, Gateway]
    dice: Random


async def send_back(conn: Connection, transaction: Transaction, amount: int, reason: str) -> bool:
    """Reserve the return of money that is in suspense and write the command; `send_due` makes the call. False when the bank is taking
    it back anyway: then it stays in suspense, for a person.

    Part of the caller's database transaction, which holds the locks. The request key is derived, so twice is once.
    """
    if await disputes.hold_back(conn, transaction.id):
        return False
    refund_id = uuid7()
    request_key = f"late:{transaction.id}:{transaction.captured + amount}"
    new = await queries.insert(
        conn,
        refund_id=refund_id,
        transaction_id=transaction.id,
        amount=amount,
        currency=transaction.currency,
        origin="late_money",
        request_key=request_key,
        reason=reason,
        source_account=SUSPENSE,
    )
    if not new:
        return True
    await ledger.post(
        conn,
        "refund_submitted",
        "refund",
        str(refund_id),
        transaction.booking_id,
        transaction.currency,
        [(SUSPENSE, amount), ("refunds_in_flight", -amount)],
    )
    await commands.add(
        conn,
        command_id=uuid7(),
        transaction_id=transaction.id,
        kind="refund",
        request_key=request_key,
        refund_id=refund_id,
    )
    await history.record(
        conn, "system", "refund.reserved", "booking", transaction.booking_id, {"amount": amount, "reason": reason}
    )
    return True


async def send_due(house: House, limit: int = 20) -> int:
    """Make the refund calls whose time has come. A call without an answer is made again under the same key."""
    async with house.db.transaction() as conn:
        due = await commands.claim_refunds(conn, limit)
    for command in due:
        await _send(house, command)
    return len(due)


async def _send(house: House, command: Command) -> None:
    assert command.refund_id is not None, "a refund command names its refund"
    async with house.db.transaction() as conn:
        refund = await queries.get(conn, command.refund_id)
        assert refund is not None and refund.ref is not None, "only captured money is refunded"
        gateway = house.gateways.get(refund.gateway)
        pause = payment_rules.retry_seconds(command.attempts, house.dice.random())
        if gateway is None:
            await commands.postpone(conn, command.id, pause, "gateway_not_configured")
            return
        await commands.sending(conn, command.id, pause)
    try:
        answer = await gateway.refund(
            ref=refund.ref,
            refund_id=refund.id,
            amount=refund.amount,
            currency=refund.currency,
            request_key=refund.request_key,
        )
    except GatewayRefused as refusal:
        answer = RefundSnapshot(
            ref="",
            refund_id=refund.id,
            state="failed",
            amount=refund.amount,
            currency=refund.currency,
            failure=str(refusal),
        )
    except GatewayError as silence:
        log.warning("%s did not answer about refund %s: %s", refund.gateway, refund.id, silence)
        async with house.db.transaction() as conn:
            await commands.postpone(conn, command.id, pause, str(silence))
        return
    who = claims("system", actor=f"gateway:{refund.gateway}", reason="refund answer")
    async with house.db.transaction(who) as conn:
        await bookings.lock(conn, refund.booking_id)
        await payment_queries.lock(conn, refund.transaction_id)
        await apply(conn, refund.transaction_id, answer, "answer")
        await commands.finish(
            conn, command.id, "rejected" if answer.state == "failed" and not answer.ref else "done", answer.failure
        )
        if answer.state == "pending":
            await payment_queries.look_again(conn, refund.transaction_id, 0, payment_rules.PENDING_REFUND_SECONDS)


async def apply(conn: Connection, transaction_id: UUID, reported: RefundSnapshot, source: str) -> None:
    """Merge what a gateway says of one refund. The caller holds the locks of departure, booking and transaction."""
    refund = await queries.find(conn, transaction_id, reported.refund_id, reported.ref)
    if refund is None:
        refund = await _adopt(conn, transaction_id, reported)
    state = rules.next_state(refund.state, reported.state)
    if state is None:
        if refund.gateway_ref is None and reported.ref:
            await queries.move(conn, refund.id, refund.state, gateway_ref=reported.ref)
        return
    await queries.move(conn, refund.id, state, gateway_ref=reported.ref or None, failure=reported.failure)
    transaction = await payment_queries.get(conn, transaction_id)
    assert transaction is not None, "a refund keeps its transaction"
    await payment_queries.add_fact(
        conn, transaction, object_id=reported.ref or refund.request_key, fact_type=f"refund_{state}", amount=refund.amount, source=source
    )  # fmt: skip
    moved = rules.postings(refund.state, state, refund.source_account, f"gateway_clearing:{refund.gateway}")
    if moved is not None:
        kind, signs = moved
        await ledger.post(
            conn,
            kind,
            "refund",
            str(refund.id),
            refund.booking_id,
            refund.currency,
            [(account, sign * refund.amount) for account, sign in signs],
        )
    await history.record(
        conn,
        f"gateway:{refund.gateway}",
        f"refund.{state}",
        "booking",
        refund.booking_id,
        {"refund_id": str(refund.id), "amount": refund.amount},
    )
    if state in ("succeeded", "failed", "canceled"):
        news = {"refund_id": str(refund.id), "booking_id": str(refund.booking_id)}
        await jobs.announce(conn, "refund.settled", news)
    if state == "succeeded" and refund.origin == "late_money":
        await jobs.announce(conn, "refund.late_money", {"refund_id": str(refund.id)})
    if state in ("failed", "canceled"):
        await payment_queries.report_anomaly(
            conn,
            anomaly_id=uuid7(),
            kind="refund_failed",
            once_key=f"refund_failed:{refund.id}",
            transaction_id=transaction_id,
            booking_id=refund.booking_id,
            detail={"refund_id": str(refund.id), "amount": refund.amount, "failure": reported.failure},
        )


async def _adopt(conn: Connection, transaction_id: UUID, reported: RefundSnapshot) -> queries.Refund:
    """A refund we did not make: somebody made it in the gateway's own dashboard. It is booked like ours, and shown."""
    transaction = await payment_queries.get(conn, transaction_id)
    assert transaction is not None, "asked about by its own snapshot"
    in_suspense = -await ledger.balance(conn, SUSPENSE, reported.currency, transaction.booking_id)
    account = SUSPENSE if in_suspense >= reported.amount else "customer_deposits"
    refund_id = uuid7()
    await queries.insert(
        conn,
        refund_id=refund_id,
        transaction_id=transaction_id,
        amount=reported.amount,
        currency=reported.currency,
        origin="gateway",
        request_key=f"gateway:{transaction.gateway}:{reported.ref}",
        reason="made at the gateway",
        source_account=account,
        gateway_ref=reported.ref,
    )
    await ledger.post(
        conn,
        "refund_submitted",
        "refund",
        str(refund_id),
        transaction.booking_id,
        reported.currency,
        [(account, reported.amount), ("refunds_in_flight", -reported.amount)],
    )
    await payment_queries.report_anomaly(
        conn,
        anomaly_id=uuid7(),
        kind="refund_made_at_gateway",
        once_key=f"refund_made_at_gateway:{reported.ref}",
        transaction_id=transaction_id,
        booking_id=transaction.booking_id,
        detail={"amount": reported.amount, "ref": reported.ref},
    )
    refund = await queries.get(conn, refund_id)
    assert refund is not None, "just written"
    return refund


async def park_stray_money(conn: Connection, gateway: str, ref: str, captured: int, currency: str) -> None:
    """Money of an attempt that is not ours to know is kept in suspense, so that the books equal the gateway.

    `captured` is cumulative, as everywhere: what was parked of this attempt before is not parked again.
    """
    facts_of = f"{gateway}:{ref}:"
    more = captured - await payment_queries.captured_in_the_books(conn, gateway, "gateway_object", facts_of, currency)
    if more <= 0:
        return
    await ledger.post(
        conn,
        "capture",
        "gateway_object",
        f"{facts_of}{captured}",
        None,
        currency,
        [(f"gateway_clearing:{gateway}", more), (SUSPENSE, -more)],
    )
