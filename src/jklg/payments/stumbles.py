"""One attempt at a time: what goes wrong with it in the house itself is written down with it, and is no other one's trouble.

Whoever goes through many (the poller, the closer, the refunds, the comparison) does each of them `alone`. It comes back with growing pauses,
and after some of them a person is told. A database that is not there is everybody's trouble: then writing it down fails, too.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from random import Random
from typing import Protocol, TypeVar
from uuid import UUID

from jklg import bookings
from jklg.kit.db import Database
from jklg.payments import concerns, queries, rules, stumbles_queries
from jklg.payments.gateways.contract import GatewayError

log = logging.getLogger(__name__)
T = TypeVar("T")


class House(Protocol):
    """What stumbling needs of the house."""

    db: Database
    dice: Random


async def alone(house: House, transaction_id: UUID, doing: Awaitable[T]) -> T | None:
    """Wait for what is being done with an attempt. None when it went wrong; a gateway that does not answer is the caller's to deal with."""
    try:
        return await doing
    except GatewayError:
        raise
    except Exception as error:
        log.exception("payment %s stumbles", transaction_id)
        async with house.db.transaction() as conn:
            before = await queries.get(conn, transaction_id)
            assert before is not None, "transactions are never deleted"
            await bookings.lock(
                conn, before.booking_id
            )  # whoever settles it meanwhile has that lock, and wants the attempt's
            pause = rules.retry_seconds(before.stumbles + 1, house.dice.random())
            stumbled = await stumbles_queries.stumble(conn, transaction_id, repr(error), pause)
            if stumbled.stumbles >= rules.STUMBLES_TOLD:
                await concerns.report_concern(
                    conn, "cannot_be_settled", f"cannot_be_settled:{transaction_id}", {"error": repr(error)[:300]},
                    transaction_id=transaction_id, booking_id=stumbled.booking_id,
                )  # fmt: skip
        return None
