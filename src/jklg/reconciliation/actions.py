"""Every hour, each gateway is asked what it made and what happened there, whether a webhook told us or not (payments.md 1.10).

Nothing is decided here: what differs is looked at by `payments.settle`, an event nobody delivered goes into the same inbox as one that
was, and what cannot be healed is put before a person, once. May run twice, and anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from jklg import payments
from jklg.kit import failpoints
from jklg.payments import webhooks
from jklg.payments.gateways.contract import Gateway, GatewayError, GatewayRefused, Snapshot
from jklg.payments.webhooks.actions import House
from jklg.reconciliation import queries, rules

log = logging.getLogger(__name__)

Task = Callable[[House, Gateway, datetime, datetime, datetime], Awaitable[int]]
"""What to do at a gateway with a step of time, and until when the whole turn looks."""


async def reconcile_due(house: House) -> int:
    """A sweep: compare what is due. Answers how many differences were found."""
    found = 0
    for gateway in house.gateways.values():
        for name, task in (("events", _collect_events), ("attempts", _compare_attempts)):
            found += (await _take_turn(house, gateway, name, task))[0]
    return found


async def collect_events(house: House, gateway: Gateway) -> tuple[int, bool]:
    """At once, what happened there and no webhook has brought: how many, and whether it has told all."""
    return await _take_turn(house, gateway, "events", _collect_events, at_once=True)


async def compare_attempts(house: House, gateway: Gateway) -> tuple[int, bool]:
    """At once, its list of attempts with ours: how many differed, and whether it has told all."""
    return await _take_turn(house, gateway, "attempts", _compare_attempts, at_once=True)


async def _take_turn(
    house: House, gateway: Gateway, name: str, task: Task, *, at_once: bool = False
) -> tuple[int, bool]:
    """One task at one gateway, a step at a time. A gateway that does not answer is asked again from where we stopped."""
    async with house.db.transaction() as conn:
        turn = await queries.take_turn(
            conn, gateway.name, gateway.livemode, name, rules.FIRST_DAYS, rules.AFTER_A_FAILURE_SECONDS, at_once
        )
    if turn is None:
        return 0, True
    found = 0
    for start, end in rules.steps(turn.done_at - rules.OVERLAP, turn.until):
        try:
            found += await task(house, gateway, start, end, turn.until)
        except GatewayError as silence:
            log.warning("%s did not answer the reconciliation: %s", gateway.name, silence)
            wait = max(rules.AFTER_A_FAILURE_SECONDS, silence.retry_after)
            async with house.db.transaction() as conn:
                await queries.move_watermark(conn, gateway.name, gateway.livemode, name, turn.done_at, wait)
            return found, False
        last = end >= turn.until
        wait = rules.EVERY_SECONDS if last else rules.AFTER_A_FAILURE_SECONDS
        async with house.db.transaction() as conn:
            await queries.move_watermark(conn, gateway.name, gateway.livemode, name, end, wait)
    return found, True


async def _collect_events(house: House, gateway: Gateway, start: datetime, end: datetime, _: datetime) -> int:
    """Events that no webhook has brought."""
    return await webhooks.collect(house, gateway, start, end)


async def _compare_attempts(house: House, gateway: Gateway, start: datetime, end: datetime, until: datetime) -> int:
    """Every attempt that the gateway lists, with our row of it; and those of ours that it does not list, once it has had time to."""
    listed, found = [], 0
    async for theirs in gateway.list_attempts(start - rules.EDGE, end + rules.EDGE):
        listed.append(theirs.ref)
        found += await _compare(house, gateway, theirs)
        await failpoints.reach("reconcile_mid_page")
    async with house.db.transaction() as conn:
        unlisted = await queries.list_unlisted(
            conn, gateway.name, gateway.livemode, start, min(end, until - rules.OVERLAP), listed
        )
    for ours in unlisted:
        if await _is_there_all_the_same(gateway, ours):
            continue
        found += await payments.report_difference(house, ours.id, "missing_at_gateway", {"ref": ours.ref})
    return found


async def _is_there_all_the_same(gateway: Gateway, ours: rules.Ours) -> bool:
    """A list goes by when the gateway made an attempt: one that was given to a booking by hand may be months older there than here."""
    assert ours.ref is not None, "only what has a number at the gateway is looked for in its list"
    try:
        theirs = await gateway.fetch(ours.ref)
    except GatewayRefused:
        return False
    return theirs.captured >= ours.captured


async def _compare(house: House, gateway: Gateway, theirs: Snapshot) -> bool:
    async with house.db.transaction() as conn:
        ours = await queries.find_ours(conn, gateway.name, theirs)
    finding = rules.compare(ours, theirs)
    if finding is None:
        return False
    if ours is None:
        return await _receive_stray(house, gateway, theirs.ref)
    if finding == "other_amount":
        detail: dict[str, object] = {"ref": theirs.ref, "theirs": theirs.amount, "currency": theirs.currency}
        return await payments.report_difference(house, ours.id, "gateway_object_mismatch", detail)
    settling = payments.settle(house, ours.id, source="reconcile", hint_ref=theirs.ref)
    settled = await payments.alone(house, ours.id, settling)
    return settled is not None and (settled.transaction.captured, settled.transaction.state) != (
        ours.captured,
        ours.state,
    )


async def _receive_stray(house: House, gateway: Gateway, ref: str) -> bool:
    """One that cannot be shown or booked does not keep us from the others: it has no row to come back by, so a person is told at once."""
    try:
        return await payments.receive_stray(house, gateway, ref, "reconciliation")
    except GatewayRefused as refusal:
        log.warning("%s lists %s, and does not show it: %s", gateway.name, ref, refusal)
        return False
    except GatewayError:
        raise
    except Exception as error:
        log.exception("%s of %s cannot be booked", ref, gateway.name)
        async with house.db.transaction() as conn:
            detail: dict[str, object] = {"gateway": gateway.name, "ref": ref, "error": repr(error)[:300]}
            return await payments.report_concern(
                conn, "cannot_be_settled", f"cannot_be_settled:{gateway.name}:{ref}", detail
            )
