"""What the worker does for payments. Each may run twice, and in any number of workers at once."""

from __future__ import annotations

import logging

from jklg.payments import actions, queries, refunds, rules, webhooks
from jklg.payments.webhooks.actions import House

log = logging.getLogger(__name__)


async def process_notices(house: House) -> int:
    """Look into the webhooks that are waiting."""
    return await webhooks.process_due(house)


async def settle_due(house: House, limit: int = 20) -> int:
    """The poller: go and look at attempts nobody has told us about for a while."""
    async with house.db.transaction() as conn:
        due = await queries.claim_due(conn, limit)
    for transaction_id in due:
        await actions.settle(house, transaction_id, source="poll")
    return len(due)


async def close_overdue(house: House, limit: int = 20) -> int:
    """Before seats are released, close the open payment at its gateway; if it succeeded meanwhile, it confirms instead."""
    async with house.db.transaction() as conn:
        overdue = await queries.list_overdue(conn, limit)
    for transaction_id in overdue:
        settled = await actions.cancel_attempt(house, transaction_id, actor="system")
        if settled.transaction.state in rules.OPEN:
            log.info("payment %s is past its time and still open: %s", transaction_id, settled.unknown or settled.transaction.state)
    return len(overdue)


async def send_refunds(house: House) -> int:
    """Make the refund calls that are due."""
    return await refunds.send_due(house)
