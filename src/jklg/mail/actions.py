"""Mail, told in order: write it with the fact; claim it; send it, with no database transaction open; mark it.

A crash between sending and marking sends the mail once more, under the same Message-ID. So does a server that took it and did not say so in
time: that was one of its tries, and after the last one a person looks.
"""

from __future__ import annotations

import asyncio
import logging
import unicodedata
from collections.abc import Sequence
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from random import Random
from typing import Protocol
from uuid import UUID

import aiosmtplib
from msgspec.structs import replace

from jklg.kit import failpoints
from jklg.kit.clock import Clock
from jklg.kit.db import Connection, Database
from jklg.kit.tokens import unsealed
from jklg.mail import bounces, queries, signing, stopping
from jklg.mail.queries import Letter, Mail
from jklg.settings import Settings

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 12
TIMEOUT_SECONDS = 20
"""For one command of connecting and signing in."""
MAIL_SECONDS = 210
"""For one mail, all of it for the answer to its last line if need be. RFC 5321 (4.5.3.2.6) would have us wait for ten minutes there, because a
server that took a mail and is not heard gets it again; our lease is shorter."""
ROUND_SECONDS = 75
"""After this no further mail is begun: with MAIL_SECONDS it stays below the lease of five minutes (queries.claim_due)."""


class House(Protocol):
    """What sending needs of the house."""

    settings: Settings
    db: Database
    clock: Clock
    dice: Random


async def write(conn: Connection, letters: Sequence[Letter]) -> int:
    """Put mails into the outbox, in the caller's database transaction. Answers how many had not been written before."""
    return await queries.insert(conn, [replace(each, subject=one_line(each.subject)) for each in letters])


async def send_again(conn: Connection, mail_id: UUID) -> bool:
    """Have a mail tried anew that nobody took, in the caller's database transaction; its tries begin again. It is the same mail with the same
    Message-ID: asked twice it goes out once. False for one that was not given up."""
    await bounces.tried_again(conn, mail_id)
    return await queries.revive(conn, mail_id)


async def forget(conn: Connection, once_keys: list[str]) -> int:
    """Erase these mails: that they were written, and when, stays. One that is still to go does not go. Answers how many."""
    return await queries.forget(conn, once_keys)


async def forget_address(conn: Connection, address: str) -> int:
    """Erase all mails to an address, whose owner has left. Answers how many."""
    await queries.forget_stop(conn, address)
    return await queries.forget_address(conn, address)


async def forget_sent(conn: Connection, address: str, kinds: Sequence[str]) -> int:
    """Mails of these kinds to an address that its owner has moved away from: those still to go are sent, and within an hour
    nothing is left of them. Answers how many."""
    return await queries.forget_sent(conn, address, list(kinds))


async def forget_due(db: Database, limit: int = 100) -> int:
    """A sweep: erase last mails to people who have left, once they have gone out."""
    async with db.transaction() as conn:
        return await queries.forget_due(conn, limit)


async def list_of_address(conn: Connection, address: str) -> list[Mail]:
    """Every mail that we keep to an address, oldest first, what is sealed in it unopened."""
    return await queries.list_of_address(conn, address)


async def send_due(house: House, limit: int = 20) -> int:
    """Send what is due, over one connection. Answers how many mails got an answer; a mail server that is away is none.

    Without SMTP settings (development only) mails are caught: /dev/mail.
    """
    async with house.db.transaction() as conn:
        if not house.settings.smtp_host:
            return await queries.catch_due(conn, limit)
        due = await queries.claim_due(conn, limit)
    return await _send_all(house, due) if due else 0


async def _send_all(house: House, due: list[Mail]) -> int:
    waiting = list(due)
    trouble = "our time for this round was up"
    begun = asyncio.get_running_loop().time()
    try:
        async with connection(house.settings) as smtp:
            while waiting and asyncio.get_running_loop().time() - begun < ROUND_SECONDS:
                if not smtp.is_connected:
                    trouble = "the connection to the mail server broke off"
                    break
                await _send(house, smtp, waiting[0])
                waiting.pop(0)
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        trouble = repr(error)
        log.warning("the mail server cannot be used: %s", trouble)
    if waiting:
        await _give_back(house, waiting, trouble)
    return len(due) - len(waiting)


def connection(settings: Settings) -> aiosmtplib.SMTP:
    """To the mail server, to be entered: it speaks in secret and has signed in by then. Raises SMTPException, OSError."""
    return aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user or None,
        password=settings.smtp_password or None,
        use_tls=settings.smtp_tls == "tls",
        start_tls=settings.smtp_tls == "starttls",
        timeout=TIMEOUT_SECONDS,
    )


async def _give_back(house: House, waiting: list[Mail], trouble: str) -> None:
    """What we did not get to is due again soon. It costs these mails none of their tries."""
    async with house.db.transaction() as conn:
        for mail in waiting:
            await queries.postpone(conn, mail.id, 30 * (0.5 + house.dice.random()), trouble, uncount=True)


async def _send(house: House, smtp: aiosmtplib.SMTP, mail: Mail) -> None:
    """Send one mail and mark it. What is wrong with this mail is its own affair; what is wrong with the server is raised.

    Once it was begun, silence and a broken connection are the mail's affair too: else it would be sent again for ever, and all behind it wait.
    """
    try:
        wire, options = signing.wire(house.settings, compose(house.settings, mail, house.clock))
        to = _ascii_domain(mail.to_address)
    except _UNFIT as error:
        await _give_up(house, mail, error)
        return
    try:
        async with asyncio.timeout(MAIL_SECONDS):
            await smtp.sendmail(house.settings.smtp_from_email, [to], wire, mail_options=options, timeout=MAIL_SECONDS)
    except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError, aiosmtplib.SMTPSenderRefused) as error:
        if _is_about_us(error):
            raise
        await _refused(house, mail, error)
        return
    except _UNFIT as error:
        await _give_up(house, mail, error)
        return
    except (aiosmtplib.SMTPException, OSError) as error:
        smtp.close()  # whatever it still says belongs to this mail
        log.warning("the mail server broke off mail %s: %r", mail.id, error)
        await _later(house, mail, error)
        return
    await failpoints.reach("after_mail_sent")
    async with house.db.transaction() as conn:
        await queries.finish(conn, mail.id, "sent")


_UNFIT = (ValueError, LookupError, HeaderParseError, aiosmtplib.SMTPNotSupported)
"""An address that this server, or no server, can be given, or a link whose secret is gone: asking again changes nothing."""


def _is_about_us(error: aiosmtplib.SMTPException) -> bool:
    """Whether the server refuses us and would refuse every mail: it is closing (421), or our own address may not send.

    552 to the sender is about this mail's size (RFC 1870).
    """
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return error.code != 552
    return any(reply.code == 421 for reply in _replies(error))


def _replies(error: aiosmtplib.SMTPException) -> list[aiosmtplib.SMTPResponseException]:
    """The server's answers inside an error."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return list(error.recipients)
    return [error] if isinstance(error, aiosmtplib.SMTPResponseException) else []


async def _refused(house: House, mail: Mail, error: aiosmtplib.SMTPException) -> None:
    """The server said no to this mail: for good (5xx), or for now. Policy (5.7.x, 530) can be mended, so it is for now."""
    replies = _replies(error)
    for_good = all(
        reply.code >= 500 and reply.code != 530 and not reply.message.startswith("5.7.") for reply in replies
    )
    said = [(reply.code, reply.message) for reply in replies]
    if for_good:
        await _give_up(house, mail, error, said)
    else:
        await _later(house, mail, error, said)


async def _later(house: House, mail: Mail, error: Exception, replies: Sequence[tuple[int, str]] = ()) -> None:
    """Try again after a pause, which grows; this was one of its tries, and perhaps the last."""
    if mail.attempts >= MAX_ATTEMPTS:
        await _give_up(house, mail, error, replies)
        return
    pause = min(5 * 2**mail.attempts, 6 * 3600) * (0.5 + house.dice.random())
    async with house.db.transaction() as conn:
        await queries.postpone(conn, mail.id, pause, repr(error), uncount=False)


async def _give_up(house: House, mail: Mail, error: Exception, replies: Sequence[tuple[int, str]] = ()) -> None:
    """Staff find it among what needs a person (payments/aside)."""
    log.error("mail %s will not be delivered: %r", mail.id, error)
    async with house.db.transaction() as conn:
        await queries.finish(conn, mail.id, "dead", repr(error))
        await bounces.refused(conn, mail.id, replies)


def compose(settings: Settings, mail: Mail, clock: Clock) -> EmailMessage:
    """The message as it goes out, what was sealed in it opened. Names cannot break out of their header.

    ValueError for an address that is none, LookupError when a sealed word can no longer be opened.
    """
    mail = opened(settings, mail)
    message = EmailMessage(policy=signing.POLICY)
    message["From"] = Address(one_line(settings.agency_name), addr_spec=settings.smtp_from_email)
    message["To"] = Address(one_line(mail.to_name), addr_spec=_ascii_domain(mail.to_address))
    message["Subject"] = one_line(mail.subject)
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"
    if mail.may_be_stopped:
        message["List-Unsubscribe"] = f"<{stopping.stop_url(settings, mail.id)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text_body)
    message.add_alternative(mail.html_body, subtype="html")
    return message


def opened(settings: Settings, mail: Mail) -> Mail:
    """A mail with what was sealed in it (kit.tokens). LookupError when its secret is gone."""
    text, html = (unsealed(body, settings.secrets) for body in (mail.text_body, mail.html_body))
    return replace(mail, text_body=text, html_body=html)


def one_line(text: str) -> str:
    """Fit for a header: control characters and those that reverse the writing are gone, joiners that scripts need stay."""
    return " ".join("".join(" " if _is_hostile(letter) else letter for letter in text).split())


def _is_hostile(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(letter) in (
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    )  # fmt: skip


def _ascii_domain(address: str) -> str:
    """Mail travels by the ASCII form of a domain."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain if domain.isascii() else domain.encode('idna').decode()}"


async def latest(db: Database, limit: int = 100) -> list[Mail]:
    """The newest mails of the outbox, for /dev/mail."""
    async with db.transaction() as conn:
        return await queries.list_latest(conn, limit)


async def read(db: Database, mail_id: UUID) -> Mail | None:
    """One mail of the outbox."""
    async with db.transaction() as conn:
        return await queries.get(conn, mail_id)
