"""The JSON door of payments, with the paths and words of the contract (contract.md 1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from jklg import bookings, payments
from jklg.bookings import accounts
from jklg.bookings.api import Ask, Token
from jklg.kit.errors import BadInput, NotFound
from jklg.payments import actions, queries, rules
from jklg.payments.queries import Transaction
from jklg.payments.rules import Part

Amount = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]


class IntentWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client sends. The amount is checked, never used; email, name and customerId are tolerated and ignored."""

    bookingId: UUID  # noqa: N815
    amount: Amount | None = None
    currency: Annotated[str, msgspec.Meta(max_length=3)] | None = None
    gateway: str | None = None
    bookingToken: str | None = None  # noqa: N815
    email: str | None = None
    name: str | None = None
    customerId: str | None = None  # noqa: N815


class IntentOut(msgspec.Struct, kw_only=True, rename="camel"):
    """An attempt, ready for the gateway's widget. `amount` in minor units; `currency` in lower case, as Stripe writes it."""

    payment_intent_id: str
    client_secret: str | None
    amount: int
    currency: str
    status: str
    transaction_id: UUID
    gateway: str
    email: str
    name: str


class Pending(msgspec.Struct, kw_only=True, rename="camel"):
    """The gateway has not answered yet. Ask again at GET /api/payments/{transactionId}."""

    transaction_id: UUID
    status: str


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


class PaymentOverview(msgspec.Struct, kw_only=True, rename="camel"):
    """Where a booking stands with its money. Minor units of `currency`. `payable`: what may be paid now, the default first."""

    booking_id: UUID
    payment_status: str
    amount: int
    currency: str
    amount_paid: int
    amount_due: int
    payable: Sequence[Part]
    transaction: TransactionOut | None
    transactions: Sequence[TransactionOut]


class PaymentState(msgspec.Struct, kw_only=True, rename="camel"):
    """One attempt after looking, and what it did to its booking."""

    transaction: TransactionOut
    booking_status: str
    still_checking: bool


class Methods(msgspec.Struct, kw_only=True):
    """The gateways this booking can be paid with."""

    methods: list[str]


@post(
    "/create-payment-intent",
    status_code=200,
    summary="Open a payment for what a booking owes",
    responses={
        200: ResponseSpec(IntentOut, description="The payment is open.", generate_examples=False),
        202: ResponseSpec(Pending, description="The gateway has not answered yet.", generate_examples=False),
    },
)
async def create_payment_intent(
    request: Ask, data: JSONBody[IntentWanted], x_booking_token: Token = None
) -> Response[IntentOut | Pending]:
    """One open attempt a booking: asked twice, it answers with the same one. 202 while the gateway has not answered.

    404 for a booking that is not yours; 409 `booking_ended`, `hold_expired`, `already_paid`, `payment_open`;
    422 `amount_mismatch` when the client's amount is not the amount due.
    """
    house = request.app.state.house
    right = await accounts.allowed(request, data.bookingId, data.bookingToken or x_booking_token)
    settled = await payments.start(
        house,
        data.bookingId,
        data.gateway or _default_gateway(house),
        actor=right.actor,
        claimed_amount=data.amount,
        claimed_currency=data.currency,
    )
    transaction = settled.transaction
    if transaction.ref is None:
        if transaction.state == "failed":
            raise BadInput(
                "gateway_refused",
                "The payment provider refused this payment. Nothing was taken.",
                log=transaction.error_message,
            )
        return Response(Pending(transaction_id=transaction.id, status="submitting"), status_code=202)
    async with house.db.transaction() as conn:
        booking = await bookings.get(conn, data.bookingId)
    assert booking is not None, "a transaction keeps its booking"
    return Response(
        IntentOut(
            payment_intent_id=transaction.ref,
            client_secret=transaction.client_secret,
            amount=transaction.amount,
            currency=transaction.currency.lower(),
            status=transaction.state,
            transaction_id=transaction.id,
            gateway=transaction.gateway,
            email=booking.email,
            name=booking.name,
        )
    )


@get("/booking/{booking_id:str}", summary="Where a booking stands with its money")
async def booking_payments(request: Ask, booking_id: FromPath[str], x_booking_token: Token = None) -> PaymentOverview:
    booking, due, right = await accounts.seen(request, booking_id, x_booking_token)
    async with accounts.opened(request.app.state.house.db, right) as conn:
        paid = await bookings.amount_paid(conn, booking.id, booking.currency)
        transactions = [_transaction(each) for each in await queries.list_of_booking(conn, booking.id)]
    return PaymentOverview(
        booking_id=booking.id,
        payment_status=booking.payment_status,
        amount=booking.price,
        currency=booking.currency.lower(),
        amount_paid=paid,
        amount_due=due,
        payable=rules.payables(due, max(booking.confirms_at - paid, 0), booking.balance_due_on) if due else [],
        transaction=transactions[0] if transactions else None,
        transactions=transactions,
    )


@get("/methods", summary="How a booking can be paid")
async def methods(
    request: Ask,
    booking_id: Annotated[str, QueryParameter(name="bookingId")],
    x_booking_token: Token = None,
) -> Methods:
    await accounts.seen(request, booking_id, x_booking_token)
    return Methods(methods=list(request.app.state.house.gateways))


@get("/{transaction_id:str}", summary="Look how a payment stands")
async def look(request: Ask, transaction_id: FromPath[str], x_booking_token: Token = None) -> PaymentState:
    """Asks the gateway. Nothing in the query string is believed."""
    house = request.app.state.house
    transaction, _ = await seen_transaction(request, transaction_id, x_booking_token)
    return state_out(await payments.settle(house, transaction.id, source="look"))


@post("/{transaction_id:str}/cancel", status_code=200, summary="Close an open payment")
async def cancel(request: Ask, transaction_id: FromPath[str], x_booking_token: Token = None) -> PaymentState:
    """The booking keeps its seats for the rest of its hold. A payment that succeeded meanwhile stays paid."""
    house = request.app.state.house
    transaction, right = await seen_transaction(request, transaction_id, x_booking_token)
    return state_out(await payments.cancel_attempt(house, transaction.id, actor=right.actor))


async def seen_transaction(request: Ask, transaction_id: str, token: str | None) -> tuple[Transaction, accounts.Right]:
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
        right = await accounts.allowed(request, transaction.booking_id if transaction else known_id, token)
    except NotFound:
        raise unknown from None
    if transaction is None:
        raise unknown
    return transaction, right


def _default_gateway(house: actions.House) -> str:
    """Stripe when it is configured, as older clients expect; else whatever there is."""
    return "stripe" if "stripe" in house.gateways else next(iter(house.gateways), "none")


def _transaction(transaction: Transaction) -> TransactionOut:
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


def state_out(settled: payments.Settled) -> PaymentState:
    return PaymentState(
        transaction=_transaction(settled.transaction),
        booking_status=settled.booking_status,
        still_checking=settled.unknown is not None or settled.transaction.state in ("submitting", "processing"),
    )


router = Router(
    path="/api/payments",
    route_handlers=[create_payment_intent, booking_payments, methods, look, cancel],
    tags=["payments"],
)
