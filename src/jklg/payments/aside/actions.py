"""Put before a person, told in order: the sweep finds what was put aside, a person has it tried again, and that settles the concern.

Mail and news are rooms below that know no concerns, so they are looked for here; nothing is lost when a worker dies in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import UUID

from jklg import history, jobs, mail
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import Conflict, NotFound
from jklg.kit.ids import uuid7
from jklg.payments import queries as payment_queries
from jklg.payments import webhooks
from jklg.payments.aside import queries
from jklg.payments.aside.queries import Untold
from jklg.payments.concerns import report_concern, resolve_concerns, settle_concern_in
from jklg.payments.queries import Anomaly


class House(Protocol):
    """What putting before a person needs of the house."""

    db: Database


async def watch(house: House, limit: int = 100) -> int:
    """A sweep: what was put aside becomes a concern, each time once; one whose matter is over settles itself. Answers how many are new.

    Mails that wait for a mail server which is away, or refuses us, are one concern together until they have gone.

    A webhook's concern names its payment, so that its page shows what asking the gateway would do. None names a booking: they say nothing
    about where its money is.
    """
    async with house.db.transaction() as conn:
        untold = await queries.list_untold(conn, limit)
        for each in untold:
            await payment_queries.report_anomaly(
                conn, anomaly_id=uuid7(), kind=each.kind, once_key=each.once_key, transaction_id=await _payment(conn, each),
                booking_id=None, detail=each.detail,
            )  # fmt: skip
        for once_key in await queries.list_over(conn, limit):
            await payment_queries.resolve_anomaly(conn, once_key)
        away = await _tell_of_waiting_mails(conn)
    return len(untold) + away


async def _tell_of_waiting_mails(conn: Connection) -> bool:
    if await queries.mails_wait(conn):
        return await report_concern(conn, "mail_server_away", "mail_server_away", {})
    await resolve_concerns(conn, "mail_server_away", [])
    return False


async def _payment(conn: Connection, untold: Untold) -> UUID | None:
    notice = await webhooks.get(conn, untold.detail["notice_id"]) if "notice_id" in untold.detail else None
    return await webhooks.transaction_of(conn, notice) if notice else None


async def again(house: House, concern_id: UUID, *, actor: str) -> None:
    """Have what was put aside tried once more, and settle its concern with that; if it is put aside again, it comes again.

    Pressed twice it is tried once. Raises, in the order checked: NotFound (concern_not_found); Conflict (concern_settled, not_put_aside).
    """
    async with house.db.transaction(claims("system", actor=actor)) as conn:
        concern = await payment_queries.lock_anomaly(conn, concern_id)
        if concern is None:
            raise NotFound("concern_not_found", "We cannot find this.")
        if concern.resolved_at is not None:
            raise Conflict("concern_settled", "This has been settled already.")
        trying = KINDS.get(concern.kind)
        if trying is None or not await trying(conn, concern):
            raise Conflict("not_put_aside", "There is nothing left to try again here.")
        await history.record(conn, actor, "concern.tried_again", "anomaly", concern_id, concern.detail)
        await settle_concern_in(conn, concern_id, actor=actor, note="Tried again.")


async def _mail(conn: Connection, concern: Anomaly) -> bool:
    return await mail.send_again(conn, UUID(concern.detail["mail_id"]))


async def _webhook(conn: Connection, concern: Anomaly) -> bool:
    return await webhooks.replay(conn, int(concern.detail["notice_id"]))


async def _news(conn: Connection, concern: Anomaly) -> bool:
    return await jobs.tell_again(conn, int(concern.detail["job_id"]))


KINDS: dict[str, Callable[[Connection, Anomaly], Awaitable[bool]]] = {
    "mail_dead": _mail,
    "webhook_dead": _webhook,
    "news_failed": _news,
}
"""What can be tried again, and how."""
