"""The calls that send money back. A gateway forgets our keys one day, so from the second call on we look before we send.

What was reserved is called for until the gateway has told of it. A call without an answer proves nothing; a refusal proves something only
after a look at the payment, because the call before it may have been heard.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from random import Random
from typing import Protocol
from uuid import UUID

from jklg import bookings
from jklg.kit import failpoints
from jklg.kit.db import Database, claims
from jklg.payments import commands
from jklg.payments import queries as payment_queries
from jklg.payments import rules as payment_rules
from jklg.payments.commands import Command
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused, GatewayUnknown, RefundSnapshot
from jklg.payments.gateways.keys import gateway_of
from jklg.payments.refunds import queries, rules
from jklg.payments.refunds.answers import apply
from jklg.payments.refunds.queries import Refund
from jklg.payments.stumbles import alone

log = logging.getLogger(__name__)


class House(Protocol):
    """What sending needs of the house."""

    db: Database
    gateways: Mapping[str, Gateway]
    dice: Random


async def send_now(house: House, refund_ids: Sequence[UUID]) -> None:
    """Make the calls of these refunds, unless somebody else does, or has."""
    for refund_id in refund_ids:
        await _send(house, refund_id)


async def send_due(house: House, limit: int = 20) -> int:
    """Make the refund calls whose time has come. Answers how many were made here."""
    async with house.db.transaction() as conn:
        due = await commands.list_due_refunds(conn, limit)
    return sum([await _send(house, refund_id) for refund_id in due])


async def _send(house: House, refund_id: UUID) -> bool:
    """One call: claim it, ask, book the answer. False when it is somebody else's, or has its result."""
    async with house.db.transaction() as conn:
        refund = await queries.get(conn, refund_id)
        assert refund is not None and refund.ref is not None, "only captured money is refunded"
        gateway = gateway_of(house.gateways, refund.gateway, refund.livemode)
        command = await (commands.claim if gateway else commands.get)(conn, refund.request_key)
        if command is None:
            return False
        if gateway is None:
            await commands.postpone(conn, command.id, 600, "gateway_not_configured")
            return False
    pause = payment_rules.retry_seconds(command.attempts, house.dice.random())
    await failpoints.reach("after_intent_commit")
    try:
        async with commands.in_time():
            answer = await _ask(house, gateway, refund, command)
    except GatewayError as silence:
        log.warning("%s did not answer about refund %s: %s", refund.gateway, refund.id, silence)
        async with house.db.transaction() as conn:
            await commands.postpone(conn, command.id, max(pause, silence.retry_after), str(silence))
        return True
    await failpoints.reach("after_gateway_answer")
    if not await alone(house, refund.transaction_id, _book(house, refund, answer)):
        async with house.db.transaction() as conn:
            await commands.postpone(conn, command.id, pause, "the answer could not be booked")
    return True


async def _book(house: House, refund: Refund, answer: RefundSnapshot) -> bool:
    who = claims("system", actor=f"gateway:{refund.gateway}", reason="refund answer")
    async with house.db.transaction(who) as conn:
        await bookings.lock(conn, refund.booking_id)
        await payment_queries.lock(conn, refund.transaction_id)
        await apply(conn, refund.transaction_id, [answer], "answer")
        if answer.state == "pending":
            await payment_queries.look_again(conn, refund.transaction_id, 0, payment_rules.PENDING_REFUND_SECONDS)
        await failpoints.reach("before_apply_commit")
    await failpoints.reach("after_apply_commit")
    return True


async def _ask(house: House, gateway: Gateway, refund: Refund, command: Command) -> RefundSnapshot:
    """What became of it: made before, made now, or refused. Raises any GatewayError but GatewayRefused."""
    if command.attempts:
        made = await _look(gateway, refund)
        if made is not None:
            return made
        key = rules.memory_of_key(command.seconds_since_first, gateway.refund_key_lifetime_seconds)
        if key == "fading":
            raise GatewayUnknown("key_is_fading", "not sent again until it is surely forgotten")
        if key == "gone":
            # The last call under it is long over, and left nothing: this is a first one.
            async with house.db.transaction() as conn:
                await commands.begin_anew(conn, command.id)
    try:
        return await gateway.refund(
            ref=refund.ref or "",
            refund_id=refund.id,
            amount=refund.amount,
            currency=refund.currency,
            request_key=refund.request_key,
        )
    except GatewayRefused as refusal:
        return await _look(gateway, refund) or RefundSnapshot(
            ref="",
            refund_id=refund.id,
            state="failed",
            amount=refund.amount,
            currency=refund.currency,
            failure=str(refusal),
        )


async def _look(gateway: Gateway, refund: Refund) -> RefundSnapshot | None:
    """Our refund among those that the gateway shows of the payment."""
    try:
        seen = await gateway.fetch(refund.ref or "")
    except GatewayRefused:
        return None
    return next((each for each in seen.refunds if each.refund_id == refund.id), None)
