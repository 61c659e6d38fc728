"""An attempt as its customer sees it, and what the doors that bring one to its end have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Response

from jklg import payments
from jklg.bookings.accounts import rights
from jklg.bookings.api import Ask
from jklg.kit.errors import NotFound
from jklg.payments import queries, rules
from jklg.payments.queries import Transaction
from jklg.web.once import Done, once


class TransactionOut(msgspec.Struct, kw_only=True, rename="camel"):
    """An attempt as its customer sees it."""

    id: UUID
    amount: int
    currency: str
    status: str
    state: str
    gateway: str
    payment_method: str | None
    amount_captured: int
    amount_refunded: int
    error: str | None
    receipt_url: str | None
    created_at: datetime
    completed_at: datetime | None


class PaymentState(msgspec.Struct, kw_only=True, rename="camel"):
    """One attempt after looking, and what it did to its booking."""

    transaction: TransactionOut
    booking_status: str
    still_checking: bool


async def seen_transaction(request: Ask, transaction_id: str, token: str | None) -> tuple[Transaction, rights.Right]:
    """The attempt, for whom its booking is open to; else the 404 of one that does not exist."""
    house = request.app.state.house
    unknown = NotFound("transaction_not_found", "We cannot find this payment.")
    try:
        known_id = UUID(transaction_id)
    except ValueError:
        raise unknown from None
    async with house.db.transaction() as conn:
        transaction = await queries.get(conn, known_id)
    try:  # of one that does not exist it is asked as well, so that nobody is answered otherwise
        right = await rights.allowed(request, transaction.booking_id if transaction else known_id, token)
    except NotFound:
        raise unknown from None
    if transaction is None:
        raise unknown
    return transaction, right


async def settled_once(
    request: Ask,
    transaction: Transaction,
    right: rights.Right,
    key: str | None,
    do: Callable[[], Awaitable[payments.Settled]],
) -> Response[bytes]:
    """Bring an attempt to its end, once for a key. What has not ended is no outcome: the same key asks again."""

    async def settle(_: UUID | None) -> Done:
        await payments.may_look(request.app.state.house.db, transaction.booking_id)
        settled = await do()
        ended = settled.unknown is None and settled.transaction.state not in rules.OPEN
        return Done(msgspec.json.encode(state_out(settled)), known=ended)

    booking_id = transaction.booking_id
    return await once(request, right.scope(booking_id), key, settle, about=booking_id)


def state_out(settled: payments.Settled) -> PaymentState:
    return PaymentState(
        transaction=transaction_out(settled.transaction),
        booking_status=settled.booking_status,
        still_checking=settled.unknown is not None or settled.transaction.state in ("submitting", "processing"),
    )


def transaction_out(transaction: Transaction) -> TransactionOut:
    return TransactionOut(
        id=transaction.id,
        amount=transaction.amount,
        currency=transaction.currency.lower(),
        status=transaction.status,
        state=transaction.state,
        gateway=transaction.gateway,
        payment_method=transaction.payment_method,
        amount_captured=transaction.captured,
        amount_refunded=transaction.refunded,
        error=transaction.error_message,
        receipt_url=transaction.receipt_url,
        created_at=transaction.created_at,
        completed_at=transaction.completed_at,
    )
