"""The JSON door of payments, with the paths and words of the contract (contract.md 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter

from jklg import bookings, payments
from jklg.bookings.accounts import rights
from jklg.bookings.api import Ask, Token
from jklg.kit.errors import BadInput
from jklg.payments import actions, queries, rules
from jklg.payments.attempts import (
    PaymentState,
    TransactionOut,
    seen_transaction,
    settled_once,
    state_out,
    transaction_out,
)
from jklg.payments.rules import Part
from jklg.web.idempotency import Answered
from jklg.web.once import Done, Key, once

_encode = msgspec.json.Encoder().encode
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
    request: Ask, data: JSONBody[IntentWanted], x_booking_token: Token = None, idempotency_key: Key = None
) -> Response[bytes]:
    """One open attempt a booking: asked twice, it answers with the same one. 202 while the gateway has not answered, 429 when asked too often.

    404 for a booking that is not yours; 409 `booking_ended`, `hold_expired`, `already_paid`, `payment_open`;
    422 `amount_mismatch` when the client's amount is not the amount due.
    """
    right = await rights.allowed(request, data.bookingId, data.bookingToken or x_booking_token)

    async def open_(_: UUID | None) -> Done:
        return await _open(request.app.state.house, data, right.actor)

    async def again(answered: Answered) -> bytes:
        return await _with_secret(request.app.state.house, answered)

    return await once(request, right.scope(data.bookingId), idempotency_key, open_, about=data.bookingId, again=again)


async def _open(house: actions.House, data: IntentWanted, actor: str) -> Done:
    await payments.may_look(house.db, data.bookingId)
    settled = await payments.start(
        house,
        data.bookingId,
        data.gateway or _default_gateway(house),
        actor=actor,
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
                outcome=True,
            )
        return Done(_encode(Pending(transaction_id=transaction.id, status="submitting")), 202, known=False)
    async with house.db.transaction() as conn:
        booking = await bookings.get(conn, data.bookingId)
    assert booking is not None, "a transaction keeps its booking"
    answer = IntentOut(
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
    return Done(_encode(answer), kept=_encode(msgspec.structs.replace(answer, client_secret=None)))


async def _with_secret(house: actions.House, answered: Answered) -> bytes:
    """The answer as it was. The secret of the payment window is kept in one place only, and forgotten there when the attempt ends."""
    if answered.status != 200:
        return answered.body
    kept = msgspec.json.decode(answered.body, type=IntentOut)
    async with house.db.transaction() as conn:
        transaction = await queries.get(conn, kept.transaction_id)
    assert transaction is not None, "transactions are never deleted"
    return _encode(msgspec.structs.replace(kept, client_secret=transaction.client_secret))


@get("/booking/{booking_id:str}", summary="Where a booking stands with its money")
async def booking_payments(request: Ask, booking_id: FromPath[str], x_booking_token: Token = None) -> PaymentOverview:
    booking, due, right = await rights.seen(request, booking_id, x_booking_token)
    async with rights.opened(request.app.state.house.db, right) as conn:
        paid = await bookings.amount_paid(conn, booking.id, booking.currency)
        transactions = [transaction_out(each) for each in await queries.list_of_booking(conn, booking.id)]
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
    await rights.seen(request, booking_id, x_booking_token)
    return Methods(methods=list(request.app.state.house.gateways))


@get("/{transaction_id:str}", summary="Look how a payment stands")
async def look(request: Ask, transaction_id: FromPath[str], x_booking_token: Token = None) -> PaymentState:
    """Asks the gateway. Nothing in the query string is believed."""
    house = request.app.state.house
    transaction, _ = await seen_transaction(request, transaction_id, x_booking_token)
    await payments.may_look(house.db, transaction.booking_id)
    return state_out(await payments.settle(house, transaction.id, source="look"))


@post(
    "/{transaction_id:str}/cancel",
    status_code=200,
    summary="Close an open payment",
    responses={200: ResponseSpec(PaymentState, description="How it stands now.", generate_examples=False)},
)
async def cancel(
    request: Ask, transaction_id: FromPath[str], x_booking_token: Token = None, idempotency_key: Key = None
) -> Response[bytes]:
    """The booking keeps its seats for the rest of its hold. A payment that succeeded meanwhile stays paid."""
    transaction, right = await seen_transaction(request, transaction_id, x_booking_token)

    async def close() -> payments.Settled:
        return await payments.cancel_attempt(request.app.state.house, transaction.id, actor=right.actor)

    return await settled_once(request, transaction, right, idempotency_key, close)


def _default_gateway(house: actions.House) -> str:
    """Stripe when it is configured, as older clients expect; else whatever there is."""
    return "stripe" if "stripe" in house.gateways else next(iter(house.gateways), "none")


router = Router(
    path="/api/payments",
    route_handlers=[create_payment_intent, booking_payments, methods, look, cancel],
    tags=["payments"],
)
