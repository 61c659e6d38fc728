"""The JSON door of the refund desk, with the path and words of the contract (contract.md 1)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Router, post
from litestar.params import FromPath, HeaderParameter, JSONBody

from jklg.bookings.api import Ask
from jklg.kit.errors import NotFound
from jklg.kit.ids import uuid7
from jklg.payments import desk
from jklg.staff.guard import require_staff
from jklg.web import idempotency

PERMISSION = "bookings_update_payment"
Key = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", required=False, description="once for each refund meant")
]


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


@post("/refund", status_code=200, summary="Send money back")
async def refund(request: Ask, data: JSONBody[RefundWanted], idempotency_key: Key = None) -> RefundOut:
    """For staff who may change payments. Above JKLG_REFUND_ALONE it waits for somebody else to agree.

    404 `nothing_paid`; 409 `disputed`; 422 `refund_exceeds_captured`, `amount_invalid`, `reason_missing`.
    """
    person = await require_staff(request, PERMISSION)
    actor = f"staff:{person.id}"
    async with _once(request, actor, idempotency_key) as request_id:
        asked = await desk.ask_refund(
            request.app.state.house,
            request_id=request_id,
            booking_id=data.bookingId,
            transaction_id=data.transactionId,
            amount=data.amount,
            reason=data.reason,
            actor=actor,
        )
    return _out(asked)


@post("/refund/{request_id:str}/approve", status_code=200, summary="Agree to a refund that somebody else asked for")
async def approve(request: Ask, request_id: FromPath[str]) -> RefundOut:
    """403 `four_eyes` for who asked; 409 `request_decided`."""
    person = await require_staff(request, PERMISSION)
    return _out(await desk.approve(request.app.state.house, _uuid(request_id), actor=f"staff:{person.id}"))


@post("/refund/{request_id:str}/refuse", status_code=200, summary="Do not send it back")
async def refuse(request: Ask, request_id: FromPath[str]) -> RefundOut:
    person = await require_staff(request, PERMISSION)
    return _out(await desk.refuse(request.app.state.house, _uuid(request_id), actor=f"staff:{person.id}"))


@asynccontextmanager
async def _once(request: Ask, scope: str, key: str | None) -> AsyncIterator[UUID]:
    """The same id for the same key, so that asking twice is once; a refused body may be corrected under its key. No answers are kept:
    the request tells anew how it stands. Without a key each request is one of its own."""
    if key is None:
        yield uuid7()
        return
    house = request.app.state.house
    print_ = idempotency.fingerprint(request.method, request.url.path, b"", await request.body())
    claimed = await idempotency.claim(house.db, scope, key, print_)
    assert isinstance(claimed, idempotency.Claimed), "no answer was ever kept under it"
    ended: Exception = RuntimeError("asked")
    try:
        yield claimed.resource_id
    except Exception as error:
        ended = error
        raise
    finally:
        await idempotency.release(house.db, scope, key, ended)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("request_not_found", "We cannot find this request.") from None


def _out(asked: desk.Asked) -> RefundOut:
    return RefundOut(
        success=asked.status in ("completed", "pending"),
        refund_id=asked.refund_ids[0] if asked.refund_ids else asked.request.id,
        request_id=asked.request.id,
        refunds=asked.refund_ids,
        amount=asked.request.amount,
        currency=asked.request.currency.lower(),
        status=asked.status,
    )


router = Router(path="/api/payments", route_handlers=[refund, approve, refuse], tags=["payments"])
