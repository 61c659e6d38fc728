"""Mail, told in order: write it with the fact; claim it; send it, with no database transaction open; mark it.

A crash between sending and marking sends the mail once more, under the same Message-ID.
"""

from __future__ import annotations

import logging
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from random import Random
from typing import Protocol
from uuid import UUID

import aiosmtplib

from jklg.kit import failpoints
from jklg.kit.clock import Clock
from jklg.kit.db import Connection, Database
from jklg.kit.ids import uuid7
from jklg.mail import queries
from jklg.mail.queries import Mail
from jklg.settings import Settings

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 12
TIMEOUT_SECONDS = 20


class House(Protocol):
    """What sending needs of the house."""

    settings: Settings
    db: Database
    clock: Clock
    dice: Random


async def write(
    conn: Connection,
    *,
    kind: str,
    once_key: str,
    to_address: str,
    to_name: str,
    subject: str,
    text: str,
    html: str,
) -> bool:
    """Put a mail into the outbox, in the caller's database transaction. False when this one was written before."""
    mail_id = uuid7()
    return await queries.insert(
        conn,
        mail_id=mail_id,
        kind=kind,
        once_key=once_key,
        to_address=to_address,
        to_name=to_name,
        subject=" ".join(subject.split()),
        text_body=text,
        html_body=html,
        message_id=f"<{mail_id}@jklg>",
    )


async def send_due(house: House, limit: int = 20) -> int:
    """Send what is due, over one connection. Without SMTP settings (development only) mails are caught: /dev/mail."""
    async with house.db.transaction() as conn:
        due = await queries.claim_due(conn, limit)
        if not house.settings.smtp_host:
            for mail in due:
                await queries.finish(conn, mail.id, "caught")
            return len(due)
    if due:
        await _send_all(house, due)
    return len(due)


async def _send_all(house: House, due: list[Mail]) -> None:
    settings = house.settings
    smtp = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password or None,
        use_tls=settings.smtp_tls == "tls",
        start_tls=settings.smtp_tls == "starttls",
        timeout=TIMEOUT_SECONDS,
    )
    waiting = list(due)
    try:
        async with smtp:
            while waiting:
                await _send(house, smtp, waiting[0])
                waiting.pop(0)
    except (aiosmtplib.SMTPException, OSError) as error:
        log.warning("the mail server cannot be used: %r", error)
        async with house.db.transaction() as conn:
            for mail in waiting:
                pause = 30 * (0.5 + house.dice.random())
                await queries.postpone(conn, mail.id, pause, repr(error), uncount=True)


async def _send(house: House, smtp: aiosmtplib.SMTP, mail: Mail) -> None:
    """Send one mail and mark it. A refusal of this mail is its own affair; a broken connection is raised."""
    try:
        await smtp.send_message(compose(house.settings, mail, house.clock))
    except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
        await _refused(house, mail, error)
        return
    await failpoints.reach("after_mail_sent")
    async with house.db.transaction() as conn:
        await queries.finish(conn, mail.id, "sent")


async def _refused(house: House, mail: Mail, error: aiosmtplib.SMTPException) -> None:
    """The server said no to this mail: for good (5xx), or for now."""
    replies = error.recipients if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else [error]
    for_good = all(getattr(reply, "code", 0) >= 500 for reply in replies)
    async with house.db.transaction() as conn:
        if for_good or mail.attempts >= MAX_ATTEMPTS:
            log.error("mail %s will not be delivered: %r", mail.id, error)
            await queries.finish(conn, mail.id, "dead", repr(error))
        else:
            pause = min(5 * 2**mail.attempts, 6 * 3600) * (0.5 + house.dice.random())
            await queries.postpone(conn, mail.id, pause, repr(error), uncount=False)


def compose(settings: Settings, mail: Mail, clock: Clock) -> EmailMessage:
    """The message as it goes out. Names cannot break out of their header: the e-mail policy refuses line breaks."""
    message = EmailMessage()
    message["From"] = Address(settings.agency_name, addr_spec=settings.smtp_from_email)
    message["To"] = Address(" ".join(mail.to_name.split()), addr_spec=mail.to_address)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text_body)
    message.add_alternative(mail.html_body, subtype="html")
    return message


async def latest(db: Database, limit: int = 100) -> list[Mail]:
    """The newest mails of the outbox, for /dev/mail."""
    async with db.transaction() as conn:
        return await queries.list_latest(conn, limit)


async def read(db: Database, mail_id: UUID) -> Mail | None:
    """One mail of the outbox."""
    async with db.transaction() as conn:
        return await queries.get(conn, mail_id)
