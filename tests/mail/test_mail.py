"""A mail is written with its fact, sent once, and can be read as text alone. SMTP is real: a server on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.policy
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from jklg import app, mail
from jklg.app import House
from jklg.kit import failpoints
from jklg.mail import actions, build
from jklg.settings import Settings


class PostOffice:
    """Keeps what it is given, unless told to refuse."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.refuse: str | None = None

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 kept"


@pytest.fixture
def post_office() -> Iterator[tuple[PostOffice, Controller]]:
    office = PostOffice()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(
        office,
        hostname="127.0.0.1",
        port=port,
        auth_required=True,
        auth_require_tls=False,
        authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
            success=isinstance(data, LoginPassword) and data.password == b"secret"
        ),
    )
    controller.start()
    yield office, controller
    controller.stop()


@pytest.fixture
async def sender(settings: Settings, db: Any, post_office: tuple[PostOffice, Controller]) -> House:
    ready = dataclasses.replace(
        settings,
        smtp_host="127.0.0.1",
        smtp_port=post_office[1].port,
        smtp_tls="none",
        smtp_user="agency",
        smtp_password="secret",
        smtp_from_email="bookings@agency.example",
    )
    return await app.build_house(ready, db, {})


async def write(house: House, once_key: str = "confirmed:1", **changes: str) -> bool:
    async with house.db.transaction() as conn:
        return await mail.write(
            conn,
            **{  # type: ignore[arg-type]
                "kind": "booking_confirmed",
                "once_key": once_key,
                "to_address": "asha@example.org",
                "to_name": "Asha Rao",
                "subject": "Booked",
                "text": "Your seats are yours.",
                "html": "<p>Your seats are yours.</p>",
                **changes,
            },
        )


async def states(house: House) -> list[str]:
    async with house.db.transaction() as conn:
        return [row[0] for row in await conn.fetch("SELECT state FROM mail_outbox ORDER BY id")]


async def hurry(house: House) -> None:
    async with house.db.transaction() as conn:
        await conn.execute("UPDATE mail_outbox SET next_attempt_at = house_now()")


async def test_a_mail_goes_out_once_over_smtp(sender: House, post_office: tuple[PostOffice, Controller]) -> None:
    office, _ = post_office
    assert await write(sender)
    assert not await write(sender)
    assert await mail.send_due(sender) == 1
    assert await mail.send_due(sender) == 0
    (message,) = office.received
    assert message["To"] == "Asha Rao <asha@example.org>"
    assert message["From"] == "JKLG Travel <bookings@agency.example>"
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    assert text is not None and "Your seats are yours." in text.get_content()
    assert html is not None and "<p>" in html.get_content()
    assert await states(sender) == ["sent"]


async def test_two_senders_at_once_send_each_mail_once(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    for number in range(12):
        await write(sender, f"confirmed:{number}")
    await asyncio.gather(*(mail.send_due(sender, limit=5) for _ in range(6)))
    ids = [message["Message-ID"] for message in post_office[0].received]
    assert len(ids) == len(set(ids)) == 12


async def test_an_outage_loses_nothing_and_costs_no_tries(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    office, _ = post_office
    away = dataclasses.replace(sender, settings=dataclasses.replace(sender.settings, smtp_port=1))
    await write(sender)
    assert await mail.send_due(away) == 1
    assert await states(sender) == ["queued"]
    async with sender.db.transaction() as conn:
        assert await conn.fetchval("SELECT attempts FROM mail_outbox") == 0
    await hurry(sender)
    await mail.send_due(sender)
    assert len(office.received) == 1


async def test_a_wrong_password_keeps_the_mail(sender: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "TIMEOUT_SECONDS", 2)
    wrong = dataclasses.replace(sender, settings=dataclasses.replace(sender.settings, smtp_password="guess"))
    await write(sender)
    await mail.send_due(wrong)
    assert await states(sender) == ["queued"]


async def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_shown(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    office, _ = post_office
    await write(sender)
    office.refuse = "451 come back later"
    await mail.send_due(sender)
    assert await states(sender) == ["queued"]
    assert await mail.send_due(sender) == 0
    office.refuse = "550 no such mailbox"
    await hurry(sender)
    await mail.send_due(sender)
    assert await states(sender) == ["dead"]


async def test_a_crash_between_sending_and_marking_repeats_under_the_same_message_id(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    await write(sender)
    failpoints.arm("after_mail_sent:crash")
    with pytest.raises(failpoints.Crashed):
        await mail.send_due(sender)
    failpoints.arm("")
    assert await mail.send_due(sender) == 0
    await hurry(sender)
    await mail.send_due(sender)
    first, second = post_office[0].received
    assert first["Message-ID"] == second["Message-ID"]
    assert await states(sender) == ["sent"]


async def test_without_a_mail_server_mail_is_caught(house: House) -> None:
    await write(house)
    assert await mail.send_due(house) == 1
    assert await states(house) == ["caught"]


async def test_a_name_cannot_add_a_header_or_a_tag(sender: House, post_office: tuple[PostOffice, Controller]) -> None:
    await write(sender, to_name="Asha\r\nBcc: all@example.org", subject="Booked\r\nX-Evil: 1")
    await mail.send_due(sender)
    (message,) = post_office[0].received
    assert message["Bcc"] is None and message["X-Evil"] is None


def test_every_compiled_mail_is_current() -> None:
    assert len(build.sources()) >= 3
    for source in build.sources():
        assert source.with_name("body.html.j2").read_text() == build.compiled(source), (
            f"run python -m jklg.mail.build: {source}"
        )


async def test_the_mails_of_a_whole_sale_say_what_they_must(house: House) -> None:
    from jklg import bookings, jobs
    from tests.trade import add_departure, hold

    held = await hold(house.db, await add_departure(house.db), name="<img src=x onerror=alert(1)> Rao")
    async with house.db.transaction() as conn:
        booking = await bookings.lock(conn, held.id)
        await bookings.receive_money(conn, booking, fact=("transaction", "t"), amount=held.total_price, currency="INR", from_account="gateway_clearing:sandbox")  # fmt: skip
    await jobs.drain(house, app.LISTENERS)
    (written,) = await actions.latest(house.db)
    assert held.reference in written.subject
    assert "INR 49,998.00" in written.text_body
    link = bookings.manage_link(house.settings.public_url, house.settings.secret, held.id, held.reference)
    assert link in written.text_body and link in written.html_body
    assert "<img" not in written.html_body and "&lt;img src=x onerror=alert(1)&gt;" in written.html_body
    assert await actions.read(house.db, written.id) == written
    assert await actions.read(house.db, UUID(int=0)) is None


def test_a_missing_variable_is_an_error_and_not_a_hole() -> None:
    from jinja2 import UndefinedError

    from jklg.bookings import jobs as booking_jobs

    with pytest.raises(UndefinedError):
        mail.render(Path(booking_jobs.__file__).parent, "booking_confirmed", {"agency_name": "JKLG"})
