"""A mail that came back is recorded, once, whoever says so and in whatever form; a stranger's mail records nothing and breaks nothing."""

from __future__ import annotations

import random
from typing import Any

import asyncpg
import pytest

from jklg import mail
from jklg.app import House
from jklg.kit.db import violated
from jklg.mail import bounces
from jklg.mail.bounces import rules
from tests.mail.test_mail import PostOffice, post_office, sender, states, write  # noqa: F401  (fixtures)

REPORT = """\
From: MAILER-DAEMON@mx.example.org
To: bookings@agency.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mx.example.org. I'm sorry.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4Zx

Final-Recipient: rfc822; asha@example.org
Original-Recipient: rfc822;asha@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; {said}

--b
{returned}
--b--
"""
WHOLE = "Content-Type: message/rfc822\n\nFrom: bookings@agency.example\nMessage-ID: {id}\nSubject: Booked\n\nYour seats are yours.\n"
HEADERS = "Content-Type: text/rfc822-headers\n\nFrom: bookings@agency.example\nMessage-ID:\n {id}\nSubject: Booked\n"


def report(
    id_: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "550 5.1.1 no such user",
    returned: str = WHOLE,
) -> bytes:
    return REPORT.format(action=action, status=status, said=said, returned=returned.format(id=id_)).encode()


async def sent(house: House, once_key: str = "confirmed:1", **changes: str) -> str:
    """A mail that a server took. Its Message-ID."""
    await write(house, once_key, **changes)
    await mail.send_due(house)
    async with house.db.transaction() as conn:
        return str(await conn.fetchval("SELECT message_id FROM mail_outbox WHERE once_key = $1", once_key))


async def known(house: House) -> list[tuple[Any, ...]]:
    async with house.db.transaction() as conn:
        rows = await conn.fetch("SELECT heard, hard, code, said FROM mail_bounces ORDER BY mail_id")
        return [tuple(row) for row in rows]


async def speaks_against(house: House, address: str = "asha@example.org") -> bool:
    async with house.db.transaction() as conn:
        bounce = await bounces.of_address(conn, address)
        assert (bounce is not None) == await conn.fetchval("SELECT mail_bounced($1)", address)
        return bounce is not None


@pytest.mark.parametrize(
    ("answer", "code", "hard"),
    [
        ("550 5.1.1 no such user", "550 5.1.1", True),
        ("550 no such mailbox", "550", True),
        ("552 5.2.2 mailbox full", "552 5.2.2", False),
        ("554 looks like spam", "554", False),
        ("554 5.6.0 broken", "554 5.6.0", False),
    ],
)
async def test_what_the_server_refuses_for_good_is_recorded_with_its_code(
    sender: House, post_office: tuple[PostOffice, Any], answer: str, code: str, hard: bool
) -> None:
    post_office[0].refuse = answer
    await sent(sender)
    assert await states(sender) == ["dead"]
    assert await known(sender) == [("refused", hard, code, answer)]
    assert await speaks_against(sender, "ASHA@example.org") == hard


async def test_what_is_refused_for_now_is_no_bounce(sender: House, post_office: tuple[PostOffice, Any]) -> None:
    post_office[0].refuse = "451 come back later"
    await sent(sender)
    assert await known(sender) == []


@pytest.mark.parametrize("returned", [WHOLE, HEADERS])
async def test_a_report_that_comes_later_is_recorded_once(
    sender: House, post_office: tuple[PostOffice, Any], returned: str
) -> None:
    id_ = await sent(sender)
    assert [await bounces.file_report(sender.db, report(id_, returned=returned)) for _ in range(3)] == [
        "recorded",
        "known",
        "known",
    ]
    assert await known(sender) == [("reported", True, "550 5.1.1", "550 5.1.1 no such user")]
    assert await speaks_against(sender)


async def test_a_server_that_sends_no_copy_back_names_the_mail_it_answers(
    sender: House, post_office: tuple[PostOffice, Any]
) -> None:
    id_ = await sent(sender)
    raw = report("<x@elsewhere>").replace(b"MIME-Version", f"In-Reply-To: {id_}\nMIME-Version".encode())
    assert await bounces.file_report(sender.db, raw) == "recorded"


async def test_a_full_mailbox_is_recorded_and_speaks_against_nobody_until_it_is_gone(
    sender: House, post_office: tuple[PostOffice, Any]
) -> None:
    id_ = await sent(sender)
    full = report(id_, status="5.2.2", said="552 5.2.2 over quota")
    assert await bounces.file_report(sender.db, full) == "recorded"
    assert not await speaks_against(sender)
    assert await bounces.file_report(sender.db, report(id_)) == "recorded", "what is worse is news"
    assert await bounces.file_report(sender.db, full) == "known"
    assert await speaks_against(sender)


@pytest.mark.parametrize(
    "raw",
    [
        report("{id}", action="delayed", status="4.4.1"),
        report("{id}", action="delivered", status="2.1.5"),
        b"Subject: I am away\nIn-Reply-To: {id}\n\nUntil Monday.",
        report("<019aa000-0000-7000-8000-000000000001@jklg>"),
        report("<someone@else.example>"),
        b"",
        b"\xff\x00" * 500,
    ],
)
async def test_what_is_no_failure_of_a_mail_of_ours_records_nothing(
    sender: House, post_office: tuple[PostOffice, Any], raw: bytes
) -> None:
    id_ = await sent(sender)
    assert await bounces.file_report(sender.db, raw.replace(b"{id}", id_.encode())) == "no report"
    assert await known(sender) == []


def test_hostile_reports_break_nothing() -> None:
    """Cut, shuffled, nested a thousand deep, in encodings that do not exist: read, or no report, and never an error."""
    whole = report("<019aa000-0000-7000-8000-000000000001@jklg>")
    assert rules.read(whole) is not None
    dice = random.Random(7)
    for _ in range(300):
        spoiled = bytearray(whole)
        for _ in range(dice.randrange(1, 30)):
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        rules.read(bytes(spoiled))
        rules.read(whole[: dice.randrange(len(whole))])
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (number, number) for number in range(1500)
    )
    assert rules.read(deep) is None
    for header in (
        b"Content-Type: multipart/report; boundary=",
        b"Content-Type: =?x?b?////?=",
        b"Content-Transfer-Encoding: base64\nContent-Type: message/delivery-status",
    ):
        rules.read(header + b"\n\n" + whole)
    base64 = whole.replace(
        b"Content-Type: message/delivery-status",
        b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64",
    )
    rules.read(base64)
    told = rules.read(whole.replace(b"no such user", b"no\x1b[31m such\x00 user " + b"x" * 5000))
    assert told is not None and len(told.verdict.said) <= 500 and told.verdict.said.isprintable()


async def test_staff_know_better_and_a_new_bounce_speaks_again(
    sender: House, post_office: tuple[PostOffice, Any]
) -> None:
    await bounces.file_report(sender.db, report(await sent(sender)))
    for expected in (True, False):
        async with sender.db.transaction() as conn:
            assert await bounces.forgive(conn, "Asha@example.org") is expected
    assert not await speaks_against(sender)
    await bounces.file_report(sender.db, report(await sent(sender, "confirmed:2")))
    assert await speaks_against(sender)


async def test_a_mail_that_is_tried_again_and_arrives_speaks_against_nobody(
    sender: House, post_office: tuple[PostOffice, Any]
) -> None:
    office, _ = post_office
    office.refuse = "550 no such mailbox"
    await sent(sender)
    office.refuse = None
    async with sender.db.transaction() as conn:
        assert await mail.send_again(conn, await conn.fetchval("SELECT id FROM mail_outbox"))
    await mail.send_due(sender)
    assert await states(sender) == ["sent"] and not await speaks_against(sender)


async def test_whoever_leaves_takes_the_words_about_their_mailbox_along(
    sender: House, post_office: tuple[PostOffice, Any]
) -> None:
    id_ = await sent(sender)
    await bounces.file_report(sender.db, report(id_))
    async with sender.db.transaction() as conn:
        await mail.forget_address(conn, "asha@example.org")
    assert await known(sender) == []
    assert await bounces.file_report(sender.db, report(id_)) == "no report", "of a mail that was forgotten"


async def test_the_database_keeps_one_bounce_for_a_mail(sender: House, post_office: tuple[PostOffice, Any]) -> None:
    await bounces.file_report(sender.db, report(await sent(sender)))
    with pytest.raises(asyncpg.UniqueViolationError) as refused:
        async with sender.db.transaction() as conn:
            await conn.execute("INSERT INTO mail_bounces SELECT * FROM mail_bounces")
    assert violated(refused.value) == "mail_bounces_once"
