"""What the worker does for payments. Each may run twice, and in any number of workers at once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from jklg import bookings, mail
from jklg.bookings import accounts, tidings
from jklg.bookings.jobs import Asked, about
from jklg.kit.db import SYSTEM, Connection, Database
from jklg.payments import actions, balances, commands, consents, queries, refunds, rules, webhooks
from jklg.payments.refunds import queries as refund_queries
from jklg.payments.stumbles import alone
from jklg.payments.webhooks import queries as notice_queries
from jklg.payments.webhooks.actions import House
from jklg.settings import Settings

log = logging.getLogger(__name__)
ROOM = Path(__file__).parent


class Office(Protocol):
    """What writing a mail needs of the house."""

    settings: Settings
    db: Database


async def process_notices(house: House) -> int:
    """Look into the webhooks that are waiting."""
    return await webhooks.process_due(house)


async def settle_due(house: House, limit: int = 20) -> int:
    """The poller: go and look at attempts nobody has told us about for a while."""
    async with house.db.transaction() as conn:
        due = await queries.claim_due(conn, limit)
    for transaction_id in due:
        await alone(house, transaction_id, actions.settle(house, transaction_id, source="poll"))
    return len(due)


async def close_overdue(house: House, limit: int = 20) -> int:
    """Before seats are released, close the open payment at its gateway; if it succeeded meanwhile, it confirms instead.

    And close there what has ended here and was found open there.
    """
    async with house.db.transaction() as conn:
        overdue = await queries.list_overdue(conn, limit)
        leftovers = await queries.list_leftovers(conn, limit)
    for transaction_id in overdue:
        settled = await alone(house, transaction_id, actions.cancel_attempt(house, transaction_id, actor="system"))
        if settled and settled.transaction.state in rules.OPEN:
            log.info(
                "payment %s is past its time and still open: %s",
                transaction_id,
                settled.unknown or settled.transaction.state,
            )
    for transaction_id in leftovers:
        closing = actions.cancel_attempt(house, transaction_id, actor="system", leftover=True)
        await alone(house, transaction_id, closing)
    return len(overdue) + len(leftovers)


async def send_refunds(house: House) -> int:
    """Make the refund calls that are due."""
    return await refunds.send_due(house)


async def mail_receipt(house: Office, news: dict[str, Any]) -> None:
    """payment.received: tell the customer what arrived. Once for each attempt."""
    wanted = Asked(house.settings, UUID(news["transaction_id"]))
    await house.db.together(_mail_receipts, key=about, who=SYSTEM)(wanted)


async def _mail_receipts(conn: Connection, wanted: Sequence[Asked]) -> dict[UUID, None]:
    found = await actions.read(conn, [each.id for each in wanted])
    written = [
        (transaction.id, booking, {"transaction": transaction, "amount": transaction.captured})
        for transaction, booking in found.values()
    ]
    await bookings.write_letters(conn, wanted[0].settings, ROOM, "payment_receipt", written)
    return {}


async def mail_late_money_refunded(house: Office, news: dict[str, Any]) -> None:
    """refund.late_money: the money came too late, and is on its way back. Once for each refund."""
    async with house.db.transaction() as conn:
        refund = await refund_queries.get(conn, UUID(news["refund_id"]))
        assert refund is not None, "news is announced with its row"
        transaction = await queries.get(conn, refund.transaction_id)
        assert transaction is not None, "a refund keeps its transaction"
        more = {"amount": refund.amount, "reason": refund.reason}
        await _write(conn, house, "late_money_refunded", refund.id, transaction, **more)


async def mail_refund(house: Office, news: dict[str, Any]) -> None:
    """refund.settled: tell the customer what was sent back, once it was. Late money has a letter of its own, a failure is for staff."""
    async with house.db.transaction() as conn:
        refund = await refund_queries.get(conn, UUID(news["refund_id"]))
        assert refund is not None, "news is announced with its row"
        if refund.state != "succeeded" or refund.origin == "late_money":
            return
        transaction = await queries.get(conn, refund.transaction_id)
        assert transaction is not None, "a refund keeps its transaction"
        await _write(conn, house, "refund_sent", refund.id, transaction, amount=refund.amount)


async def recount_customer(house: Office, news: dict[str, Any]) -> None:
    """payment.received: what the customer of the booking has spent."""
    await house.db.together(_recount_customers, who=SYSTEM)(UUID(news["transaction_id"]))


async def _recount_customers(conn: Connection, transaction_ids: Sequence[UUID]) -> dict[UUID, None]:
    found = await queries.get_all(conn, transaction_ids)
    await accounts.recount_all(conn, [each.booking_id for each in found.values()])
    return {}


async def tell_received(house: Office, news: dict[str, Any]) -> None:
    """payment.received: a line in the customer's account. Once for each attempt."""
    await house.db.together(_tell_received, who=SYSTEM)(UUID(news["transaction_id"]))


async def _tell_received(conn: Connection, transaction_ids: Sequence[UUID]) -> dict[UUID, None]:
    found = await queries.get_all(conn, transaction_ids)
    lines = [
        tidings.Line(each.booking_id, "payment_received", each.id, _amount(each.captured, each.currency))
        for each in found.values()
    ]
    await tidings.tell(conn, lines)
    return {}


def _amount(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


async def tell_refund(house: Office, news: dict[str, Any]) -> None:
    """refund.settled: a line in the customer's account, once it was sent back. A failure is for staff."""
    async with house.db.transaction() as conn:
        refund = await refund_queries.get(conn, UUID(news["refund_id"]))
        assert refund is not None, "news is announced with its row"
        if refund.state == "succeeded":
            line = tidings.Line(refund.booking_id, "refund_sent", refund.id, _amount(refund.amount, refund.currency))
            await tidings.tell(conn, [line])


async def forget_person(house: Office, news: dict[str, Any]) -> None:
    """booking.erased: what gateways told of the person who paid. Amounts, states and the books stay."""
    booking_id = UUID(news["booking_id"])
    async with house.db.transaction() as conn:
        await balances.forget(conn, booking_id)
        await consents.forget_person(conn, booking_id)
        for transaction in await queries.list_of_booking(conn, booking_id):
            await queries.forget_person(conn, transaction.id)
            await commands.forget_errors(conn, transaction.id)
            returned = await refund_queries.forget_person(conn, transaction.id)
            await notice_queries.forget_person(
                conn, transaction.id, transaction.gateway, [transaction.ref, transaction.charge_ref]
            )
            letters = [f"{kind}:{refund}" for kind in ("late_money_refunded", "refund_sent") for refund in returned]
            told = [f"payment_receipt:{transaction.id}", f"card_refused:{transaction.id}", *letters]
            await mail.forget(conn, told)


async def export(conn: Connection, customer_id: UUID) -> list[queries.Paid]:
    """What a customer paid and got back: payments' part of what we hold on a person."""
    return await queries.list_of_customer(conn, customer_id)


async def _write(
    conn: Connection, house: Office, kind: str, once: UUID, transaction: queries.Transaction, **more: object
) -> None:
    booking = await bookings.get(conn, transaction.booking_id)
    assert booking is not None, "a transaction keeps its booking"
    await bookings.write_letter(conn, house.settings, ROOM, kind, once, booking, {"transaction": transaction, **more})
