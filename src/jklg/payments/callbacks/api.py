"""A door for each gateway whose window hands the browser something for us. What it says is never believed: `settle` asks."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from jklg import payments
from jklg.bookings.api import Ask, Token
from jklg.kit.errors import Malformed, NotFound
from jklg.payments import queries
from jklg.payments.attempts import PaymentState, seen_transaction, settled_once
from jklg.payments.gateways.contract import PaymentProving
from jklg.payments.gateways.keys import gateway_of
from jklg.payments.queries import Transaction
from jklg.web.bodies import read_form
from jklg.web.once import Key
from jklg.web.render import go

log = logging.getLogger(__name__)
Said = Annotated[str, msgspec.Meta(max_length=255)]


class RazorpayPaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The three fields that Razorpay's window hands over. The order is the one we know, whichever is named here."""

    razorpay_payment_id: Said
    razorpay_signature: Said
    razorpay_order_id: Said | None = None


@post(
    "/paypal/{transaction_id:str}/capture",
    status_code=200,
    summary="The payer has approved at PayPal",
    responses={200: ResponseSpec(PaymentState, description="How it stands now.", generate_examples=False)},
)
async def capture_paypal(
    request: Ask, transaction_id: FromPath[str], x_booking_token: Token = None, idempotency_key: Key = None
) -> Response[bytes]:
    """Asks PayPal, and takes the money if it was approved and the booking still wants it. 404 for a payment elsewhere.

    `error` in the answer: PayPal declined, and the payer may choose another way to pay in PayPal's window.
    """
    transaction, right = await seen_transaction(request, transaction_id, x_booking_token)
    if transaction.gateway != "paypal":
        raise _unknown()
    return await settled_once(request, transaction, right, idempotency_key, _look(request, transaction))


@post(
    "/razorpay/{transaction_id:str}/verify",
    status_code=200,
    summary="The payer has paid in Razorpay's window",
    responses={200: ResponseSpec(PaymentState, description="How it stands now.", generate_examples=False)},
)
async def verify_razorpay(
    request: Ask,
    transaction_id: FromPath[str],
    data: JSONBody[RazorpayPaid],
    x_booking_token: Token = None,
    idempotency_key: Key = None,
) -> Response[bytes]:
    """Asks Razorpay, if Razorpay signed what is sent here for this very payment; 400 `bad_signature` otherwise, and nobody is asked.

    404 for a payment elsewhere.
    """
    transaction, right = await seen_transaction(request, transaction_id, x_booking_token)
    if transaction.gateway != "razorpay":
        raise _unknown()
    if not _proven(request, transaction, data.razorpay_payment_id, data.razorpay_signature):
        raise Malformed("bad_signature", "The signature does not match.")
    return await settled_once(request, transaction, right, idempotency_key, _look(request, transaction))


def _look(request: Ask, transaction: Transaction) -> Callable[[], Awaitable[payments.Settled]]:
    """The payer is back: ask the gateway."""
    return lambda: payments.settle(request.app.state.house, transaction.id, source="return")


@post("/razorpay/{transaction_id:uuid}/callback/{reference:str}", status_code=200, include_in_schema=False)
async def razorpay_callback(request: Ask, transaction_id: FromPath[UUID], reference: FromPath[str]) -> Response[bytes]:
    """The same from a browser, as a form: our page posts it, or Razorpay itself where its window cannot call our page back.

    A browser that comes from Razorpay brings no cookie, so this door shows nothing: whatever was sent, it leads to the return
    page of what the address names, which asks for the cookie. What Razorpay signed rings the bell on the way.
    """
    house = request.app.state.house
    said = await read_form(request)
    async with house.db.transaction() as conn:
        transaction = await queries.get(conn, transaction_id)
    if transaction is not None and _proven(
        request, transaction, said.get("razorpay_payment_id", ""), said.get("razorpay_signature", "")
    ):
        await payments.may_look(house.db, transaction.booking_id)
        await payments.settle(house, transaction.id, source="return")
    else:
        log.info("a callback without a good signature, for %s", transaction_id)
    return go(f"/bookings/{quote(reference, safe='')}/return?transaction={transaction_id}")


def _proven(request: Ask, transaction: Transaction, payment_id: str, signature: str) -> bool:
    """Whether the gateway of this attempt signed that the attempt was paid."""
    gateway: object = gateway_of(request.app.state.house.gateways, transaction.gateway, transaction.livemode)
    ref = transaction.ref
    return (
        isinstance(gateway, PaymentProving) and ref is not None and gateway.proves_payment(ref, payment_id, signature)
    )


def _unknown() -> NotFound:
    return NotFound("transaction_not_found", "We cannot find this payment.")


router = Router(
    path="/api/payments", route_handlers=[capture_paypal, verify_razorpay, razorpay_callback], tags=["payments"]
)
