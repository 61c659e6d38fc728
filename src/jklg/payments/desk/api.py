"""The JSON door of the refund desk, with the path and words of the contract (contract.md 1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from jklg.bookings.api import Ask
from jklg.kit.errors import NotFound
from jklg.kit.ids import uuid7
from jklg.payments import desk
from jklg.staff.guard import require_staff
from jklg.web.once import Done, Key, once

PERMISSION = "bookings_update_payment"


class RefundWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of a booking or of one of its payments. `amount` in minor units of its currency; none: all that can be sent back."""

    reason: Annotated[str, msgspec.Meta(max_length=2000)]
    bookingId: UUID | None = None  # noqa: N815
    transactionId: UUID | None = None  # noqa: N815
    amount: int | None = None


class RefundOut(msgspec.Struct, kw_only=True, rename="camel"):
    """What became of it. `status`: waiting (for a second person), pending, completed, failed, refused."""

    success: bool
    refund_id: UUID
    request_id: UUID
    refunds: list[UUID]
    amount: int
    currency: str
    status: str


@post(
    "/refund",
    status_code=200,
    summary="Send money back",
    responses={200: ResponseSpec(RefundOut, description="What became of it.", generate_examples=False)},
)
async def refund(request: Ask, data: JSONBody[RefundWanted], idempotency_key: Key = None) -> Response[bytes]:
    """For staff who may change payments. Above JKLG_REFUND_ALONE it waits for somebody else to agree.

    404 `nothing_paid`; 409 `disputed`; 422 `refund_exceeds_captured`, `amount_invalid`, `reason_missing`.
    """
    person = await require_staff(request, PERMISSION)
    actor = f"staff:{person.id}"

    async def ask(request_id: UUID | None) -> Done:
        asked = await desk.ask_refund(
            request.app.state.house,
            request_id=request_id or uuid7(),
            booking_id=data.bookingId,
            transaction_id=data.transactionId,
            amount=data.amount,
            reason=data.reason,
            actor=actor,
        )
        return Done(_told(asked), known=asked.status != "pending")  # what is under way is told anew

    return await once(request, actor, idempotency_key, ask)


@post(
    "/refund/{request_id:str}/approve",
    status_code=200,
    summary="Agree to a refund that somebody else asked for",
    responses={200: ResponseSpec(RefundOut, description="What became of it.", generate_examples=False)},
)
async def approve(request: Ask, request_id: FromPath[str], idempotency_key: Key = None) -> Response[bytes]:
    """403 `four_eyes` for who asked; 409 `request_decided`."""
    return await _decide(request, request_id, idempotency_key, desk.approve)


@post(
    "/refund/{request_id:str}/refuse",
    status_code=200,
    summary="Do not send it back",
    responses={200: ResponseSpec(RefundOut, description="What became of it.", generate_examples=False)},
)
async def refuse(request: Ask, request_id: FromPath[str], idempotency_key: Key = None) -> Response[bytes]:
    return await _decide(request, request_id, idempotency_key, desk.refuse)


async def _decide(
    request: Ask, request_id: str, key: str | None, verb: Callable[..., Awaitable[desk.Asked]]
) -> Response[bytes]:
    person = await require_staff(request, PERMISSION)
    actor, decided = f"staff:{person.id}", _uuid(request_id)

    async def decide(_: UUID | None) -> Done:
        return Done(_told(await verb(request.app.state.house, decided, actor=actor)))

    return await once(request, actor, key, decide)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("request_not_found", "We cannot find this request.") from None


def _told(asked: desk.Asked) -> bytes:
    return msgspec.json.encode(
        RefundOut(
            success=asked.status in ("completed", "pending"),
            refund_id=asked.refund_ids[0] if asked.refund_ids else asked.request.id,
            request_id=asked.request.id,
            refunds=asked.refund_ids,
            amount=asked.request.amount,
            currency=asked.request.currency.lower(),
            status=asked.status,
        )
    )


router = Router(path="/api/payments", route_handlers=[refund, approve, refuse], tags=["payments"])
