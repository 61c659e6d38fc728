"""Refunds are written here, before anybody is asked: `calls` makes the calls, `answers` books what is said.

Late money is sent back by itself (`send_back`); what staff and customers ask for is decided by the desk. The locks are those of
payments: departure, booking, transaction, refund.
"""

from __future__ import annotations

from uuid import UUID

from jklg import history, ledger
from jklg.kit.db import Connection
from jklg.kit.ids import uuid7
from jklg.payments import commands, disputes
from jklg.payments import queries as payment_queries
from jklg.payments.queries import Transaction
from jklg.payments.refunds import queries
from jklg.payments.refunds.rules import SUSPENSE

BY_HAND = "manual"
"""The gateway of money that staff took themselves: cash, a transfer to the agency's account."""


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
