"""Notices, told in order: verify, store once, answer; later look. A notice is a bell, not the news: `settle` goes and asks.

Never 2xx before the row is committed: a database that is down answers 503 and the gateway comes again.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import asyncpg

from jklg.kit import failpoints
from jklg.kit.clock import Clock
from jklg.kit.db import SYSTEM, Connection, violated
from jklg.kit.errors import Malformed, Unavailable
from jklg.payments import actions as payments
from jklg.payments import queries as payment_queries
from jklg.payments import rules
from jklg.payments.gateways.alarms import AlarmRaising
from jklg.payments.gateways.contract import (
    BadNotice,
    Gateway,
    GatewayError,
    GatewayRefused,
    Notice,
    NoticePreparing,
)
from jklg.payments.gateways.keys import gateway_of
from jklg.payments.strays import receive_stray
from jklg.payments.webhooks import alarms, queries

log = logging.getLogger(__name__)


class House(payments.House, Protocol):
    """What the inbox needs of the house."""

    clock: Clock
    lookers: int


async def file_notice(house: House, gateway_name: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify a webhook over its raw bytes and store it once. True when it is new. Header names are lower case.

    Raises Unavailable (webhooks_not_configured), Malformed (bad_signature), Unavailable (certificate_unknown), Malformed (delivery_reused). Nothing
    is stored or called for a notice that does not verify. Commits before it returns, in one statement that it may share (kit/together.py).
    """
    gateway = house.gateways.get(gateway_name)
    if gateway is None or not gateway.accepts_notices():
        raise Unavailable("webhooks_not_configured", "This webhook is not configured.")
    try:
        if isinstance(gateway, NoticePreparing):
            await gateway.prepare_notice(headers, house.clock.unix())
        notice = gateway.read_notice(headers, body, house.clock.unix())
    except BadNotice as error:
        raise Malformed("bad_signature", "The signature does not match.", log=str(error)) from error
    except GatewayError as silence:  # nothing is known of the notice yet: the gateway comes again
        raise Unavailable("certificate_unknown", "This notice cannot be verified now.", log=str(silence)) from silence
    await failpoints.reach("before_inbox_commit")
    row = _new(gateway, notice, body, _without_secrets(headers), "webhook")
    file = house.db.together(queries.file, key=_told_once, writes=True)
    try:
        new = await file(row)
    except asyncpg.UniqueViolationError as error:
        if violated(error) != "webhook_inbox_one_body_a_delivery":
            raise
        new = None
    if new is None:
        log.error("%s: the delivery %s came with another body", row.gateway, row.delivery_id)
        raise Malformed("delivery_reused", "This delivery has brought another message before.")
    return new


async def collect(house: House, gateway: Gateway, start: datetime, end: datetime) -> int:
    """File what happened at a gateway in this time and no webhook has brought. Answers how much that was. Raises GatewayError.

    What the inbox has already is left alone: the gateway writes an event it lists in other bytes than one it delivers.
    """
    found = 0
    page: list[queries.NewNotice] = []
    async for notice, body in gateway.list_notices(start, end):
        page.append(_new(gateway, notice, body, {}, "poll"))
        if len(page) == 100:
            found += await _file_unknown(house, page)
            page = []
    return found + await _file_unknown(house, page)


async def _file_unknown(house: House, notices: Sequence[queries.NewNotice]) -> int:
    async with house.db.transaction() as conn:
        told = await queries.list_known(conn, [_told_once(notice) for notice in notices])
        new = [notice for notice in notices if _told_once(notice) not in told]
        if new:
            await queries.file(conn, new)
        return len(new)


def _new(gateway: Gateway, notice: Notice, body: bytes, headers: dict[str, str], origin: str) -> queries.NewNotice:
    """A notice as a row: what is none of our business is stored as ignored, with the reason."""
    state, reason = "pending", None
    if notice.livemode != gateway.livemode:
        state, reason = "ignored", "other_mode"
        log.error("%s sent %s of the other mode", gateway.name, notice.event_id)
    elif notice.other_account:
        state, reason = "ignored", "other_account"
        log.error("%s sent %s of another account", gateway.name, notice.event_id)
    elif notice.ref is None and notice.transaction_id is None:
        state, reason = "ignored", "not_about_a_payment"
    return queries.NewNotice(
        gateway=gateway.name,
        event_id=notice.event_id,
        event_type=notice.event_type,
        livemode=notice.livemode,
        ref=notice.ref,
        transaction_id=notice.transaction_id,
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
        headers=headers,
        state=state,
        reason=reason,
        origin=origin,
        delivery_id=notice.delivery_id,
    )


def _without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    kept = dict(headers)
    kept.pop("authorization", None)
    return kept


def _told_once(notice: queries.NewNotice) -> tuple[str, str]:
    return notice.gateway, notice.event_id


async def replay(conn: Connection, notice_id: int) -> bool:
    """Have a notice looked into again that was put aside, in the caller's database transaction; its tries begin anew. False for one that
    was not: of it, nothing changes."""
    return await queries.revive(conn, notice_id)


async def transaction_of(conn: Connection, notice: queries.FiledNotice) -> UUID | None:
    """Our attempt that a notice speaks of, if it is one of ours."""
    return (await _transactions_of(conn, [notice])).get(notice)


async def _transactions_of(conn: Connection, notices: Sequence[queries.FiledNotice]) -> dict[queries.FiledNotice, UUID]:
    """The same of many. The gateway's id for the attempt counts more than ours: that one, a stranger may have written."""
    found = await payment_queries.find_by_refs(
        conn, [(each.gateway, each.livemode, each.ref) for each in notices if each.ref is not None]
    )
    known = {each: found.get((each.gateway, each.livemode, each.ref or "")) for each in notices}
    named = [each.transaction_id for each in notices if known[each] is None and each.transaction_id is not None]
    if named:
        ours = await payment_queries.get_all(conn, named)
        for each, transaction_id in known.items():
            attempt = ours.get(each.transaction_id) if each.transaction_id else None
            if transaction_id is not None or attempt is None:
                continue
            if (attempt.gateway, attempt.livemode) == (each.gateway, each.livemode):
                known[each] = attempt.id
    return {each: transaction_id for each, transaction_id in known.items() if transaction_id is not None}


async def process_due(house: House, limit: int = 2000) -> int:
    """Look into the notices whose time has come. Any number of workers may do so at once. Returns how many were tried.

    A payment rings several times in a row, and a look answers all of it: notices of one payment are taken together. Different payments
    are looked at `house.lookers` at a time, so that a gateway that is slow with one does not hold up the others.
    """
    hand = _Hand(house, limit)
    if house.lookers == 1:
        await _look_at_each(house, hand)
    else:
        async with asyncio.TaskGroup() as group:
            for _ in range(house.lookers):
                group.create_task(_look_at_each(house, hand))
    return hand.taken


class _Hand:
    """The notices in hand: a few are taken when all that were taken before are begun with. Whoever dies leaves no more than those to their leases."""

    def __init__(self, house: House, limit: int) -> None:
        self.taken = 0
        self._house = house
        self._limit = limit
        self._waiting: Iterator[list[queries.FiledNotice]] = iter(())
        self._taking = asyncio.Lock()

    async def next(self) -> list[queries.FiledNotice] | None:
        """All that rang of one payment and nobody has begun with. None: nothing more is due, or it is enough for one round."""
        async with self._taking:
            notices = next(self._waiting, None)
            if notices is None and self.taken < self._limit:
                self._waiting = iter(await self._take())
                notices = next(self._waiting, None)
            return notices

    async def _take(self) -> list[list[queries.FiledNotice]]:
        async with self._house.db.transaction(opening=queries.IN_ORDER) as conn:
            taken = await queries.claim(conn, 4 * self._house.lookers)
        self.taken += len(taken)
        rung: dict[tuple[object, ...], list[queries.FiledNotice]] = {}
        for notice in taken:
            rung.setdefault((notice.gateway, notice.livemode, notice.ref or notice.transaction_id), []).append(notice)
        return list(rung.values())


async def _look_at_each(house: House, hand: _Hand) -> None:
    """One look for all that rang of one payment; then the next that nobody has begun with."""
    while notices := await hand.next():
        try:
            # Not everything that is told of a payment bears our id; what does leads to it even before we know the gateway's.
            named = next((notice for notice in notices if notice.transaction_id), notices[0])
            ending = await _look_into(house, named)
            for notice in notices:
                await _hear_alarm(house, notice)
            await failpoints.reach("worker_before_done")
            ended = tuple(notice.id for notice in notices), *ending
            await house.db.together(queries.finish, writes=True, who=SYSTEM, opening=queries.FORGETTABLE)(ended)
        except Exception as error:
            for notice in notices:
                await _put_off(house, notice, error)


async def _look_into(house: House, notice: queries.FiledNotice) -> tuple[str, str | None]:
    """Settle what the notice speaks of. Returns the notice's end: (state, reason)."""
    gateway = gateway_of(house.gateways, notice.gateway, notice.livemode)
    if gateway is None:
        raise GatewayError("gateway_not_configured")
    known = await house.db.together(_transactions_of, who=SYSTEM)(notice)
    if known is None:
        return await _stray(house, gateway, notice)
    settled = await payments.settle(house, known, source="webhook", hint_ref=notice.ref)
    if settled.unknown:
        raise GatewayError(settled.unknown, retry_after=settled.retry_after)
    return "done", None


async def _hear_alarm(house: House, notice: queries.FiledNotice) -> None:
    """Each such notice is about something of its own, which the look at the payment does not show."""
    gateway = gateway_of(house.gateways, notice.gateway, notice.livemode)
    if gateway is None or not isinstance(gateway, AlarmRaising) or not gateway.rings_alarm(notice.event_type):
        return
    async with house.db.transaction() as conn:
        known = await transaction_of(conn, notice)
        transaction = await payment_queries.get(conn, known) if known else None
        body = await queries.body_of(conn, notice.id)
    if transaction is not None and body:
        await alarms.look(house.db, gateway, transaction, notice.event_type, body)


async def _stray(house: House, gateway: Gateway, notice: queries.FiledNotice) -> tuple[str, str | None]:
    if notice.ref is None:
        return "ignored", "unknown_transaction"
    try:
        await receive_stray(house, gateway, notice.ref, notice.event_id)
    except GatewayRefused:
        return "ignored", "unknown_object"
    ours = await house.db.together(_transactions_of, who=SYSTEM)(notice)
    return "done", None if ours else "unmatched_gateway_object"


async def _put_off(house: House, notice: queries.FiledNotice, error: Exception) -> None:
    """Try again later, with growing and jittered pauses; after 12 tries or 3 days a person has to look."""
    log.warning("notice %s (%s %s) failed: %r", notice.id, notice.gateway, notice.event_id, error)
    async with house.db.transaction() as conn:
        if notice.attempts >= rules.NOTICE_ATTEMPTS or notice.too_old:
            await queries.bury(conn, notice.id, repr(error))
        else:
            pause = rules.retry_seconds(notice.attempts, house.dice.random())
            asked = error.retry_after if isinstance(error, GatewayError) else 0
            await queries.postpone(conn, notice.id, max(pause, asked), repr(error))
