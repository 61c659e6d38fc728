"""The verbs of bounces: a server refused a mail for good, a report of one arrived, somebody knows that an address is good again."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jklg.kit.db import Connection, Database
from jklg.mail.bounces import queries, rules
from jklg.mail.bounces.queries import Bounce


async def refused(conn: Connection, mail_id: UUID, replies: Sequence[tuple[int, str]]) -> None:
    """The server that we gave it to said no for good: (code, words), to the recipient or to the mail. In the caller's database transaction."""
    for code, message in replies[:1]:  # our mails have one recipient
        found = rules.judge_reply(code, message)
        await queries.insert(conn, [mail_id], "refused", hard=found.hard, code=found.code, said=found.said)


async def file_report(db: Database, raw: bytes) -> str:
    """What came back to our address. Answers 'recorded', 'known' (it was recorded before), or 'no report' of a mail of ours. Whatever it
    is, nothing of it is believed but that this mail did not arrive: its Message-ID is known to its reader and to whoever carried it."""
    report = rules.read(raw)
    if report is None:
        return "no report"
    found = report.verdict
    async with db.transaction() as conn:
        mails = await queries.mails_with(conn, report.message_ids)
        new = await queries.insert(conn, mails, "reported", hard=found.hard, code=found.code, said=found.said)
    return "recorded" if new else "known" if mails else "no report"


async def of_address(conn: Connection, address: str) -> Bounce | None:
    """Why nothing that is not needed is written to this address: the newest mail that came back from it for good. None: it is good."""
    return await queries.find_hard(conn, address) if address else None


async def forgive(conn: Connection, address: str) -> bool:
    """Somebody knows that the address is good again. False when nothing spoke against it."""
    return bool(address) and await queries.forgive(conn, address) > 0


async def tried_again(conn: Connection, mail_id: UUID) -> None:
    """A mail that was refused is given once more: what the server says then counts."""
    await queries.delete(conn, mail_id)
