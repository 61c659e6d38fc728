"""Refunds, told like payments: reserve the row, ask the gateway, book what it said.

Late money is sent back by itself (`send_back`); what staff and customers ask for is decided by the desk. The locks are those of
payments: departure, booking, transaction, refund.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from random import Random
from typing import Protocol
from uuid import UUID

from jklg import bookings, history, ledger
from jklg.kit.db import Connection, Database, claims
from jklg.kit.ids import uuid7
from jklg.payments import commands, disputes
from jklg.payments import queries as payment_queries
from jklg.payments import rules as payment_rules
from jklg.payments.commands import Command
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused, RefundSnapshot
from jklg.payments.queries import Transaction
from jklg.payments.refunds import queries
from jklg.payments.refunds.answers import apply
from jklg.payments.refunds.rules import SUSPENSE

log = logging.getLogger(__name__)

BY_HAND = "manual"
"""The gateway of money that staff took themselves: cash, a transfer to the agency's account."""


class House(Protocol):
    """What refunds need of the house."""

    db: Database
    gateways: Mapping[str, Gateway]
    dice: Random


async def send_back(conn: Connection, transaction: Transaction, amount: int, reason: str) -> bool:
    """Reserve the return of money that is in suspense and write the command; `send_due` makes the call. False when the bank is taking
    it back anyway: then it stays in suspense, for a person. What somebody has sent back at the gateway already is not sent again.

    Part of the caller's database transaction, which holds the locks. The request key is derived, so twice is once.
    """
    if await disputes.hold_back(conn, transaction.id):
        return False
    now = await payment_queries.lock(conn, transaction.id)
    left = min(amount, now.captured - now.refunded - now.refund_reserved)
    if left <= 0:
        return True
    await reserve(
        conn,
        transaction,
        left,
        account=SUSPENSE,
        origin="late_money",
        request_key=f"late:{transaction.id}:{transaction.captured + amount}",
        reason=reason,
        actor="system",
    )
    return True


async def reserve(
    conn: Connection,
    transaction: Transaction,
    amount: int,
    *,
    account: str,
    origin: str,
    request_key: str,
    reason: str,
    actor: str,
    request_id: UUID | None = None,
) -> UUID | None:
    """Take `amount` out of `account` for its way back through `transaction`, and write the command. None when this key did so before.

    Part of the caller's database transaction, which holds the locks of booking and transaction. The database refuses more than was
    captured (refunds_never_exceed_captured), while the bank decides (refunds_not_while_disputed), and what a second person has not
    seen (refunds_wait_for_second). Money that was taken by hand has no gateway to ask: it waits for somebody to pay it out.
    """
    refund_id = uuid7()
    new = await queries.insert(
        conn,
        refund_id=refund_id,
        transaction_id=transaction.id,
        amount=amount,
        currency=transaction.currency,
        origin=origin,
        request_key=request_key,
        reason=reason,
        source_account=account,
        request_id=request_id,
    )
    if not new:
        return None
    await ledger.post(
        conn,
        "refund_submitted",
        "refund",
        str(refund_id),
        transaction.booking_id,
        transaction.currency,
        [(account, amount), ("refunds_in_flight", -amount)],
    )
    if transaction.gateway == BY_HAND:
        await payment_queries.report_anomaly(
            conn,
            anomaly_id=uuid7(),
            kind="refund_by_hand",
            once_key=f"refund_by_hand:{refund_id}",
            transaction_id=transaction.id,
            booking_id=transaction.booking_id,
            detail={"refund_id": str(refund_id), "amount": amount, "currency": transaction.currency},
        )
    else:
        await commands.add(
            conn,
            command_id=uuid7(),
            transaction_id=transaction.id,
            kind="refund",
            request_key=request_key,
            refund_id=refund_id,
        )
    detail = {"refund_id": str(refund_id), "amount": amount, "reason": reason}
    await history.record(conn, actor, "refund.reserved", "booking", transaction.booking_id, detail)
    return refund_id


async def send_now(house: House, refund_ids: Sequence[UUID]) -> None:
    """Make the calls of these refunds, unless somebody else does, or has."""
    for refund_id in refund_ids:
        async with house.db.transaction() as conn:
            refund = await queries.get(conn, refund_id)
            assert refund is not None, "refunds are never deleted"
            command = await commands.get(conn, refund.request_key)
            due = command is not None and await commands.claim(conn, command.id, 60)
        if command is not None and due:
            await _send(house, command)


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
        await apply(conn, refund.transaction_id, [answer], "answer")
        await commands.finish(
            conn, command.id, "rejected" if answer.state == "failed" and not answer.ref else "done", answer.failure
        )
        if answer.state == "pending":
            await payment_queries.look_again(conn, refund.transaction_id, 0, payment_rules.PENDING_REFUND_SECONDS)
