"""A mail is written with its fact, sent once, and can be read as text alone. SMTP is real: a server on loopback."""

from __future__ import annotations

import asyncio
import dataclasses
import email
import email.policy
import socket
import ssl
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
        self.raw: list[bytes] = []
        self.refuse: str | None = None
        self.refuse_sender: str | None = None
        self.thinks: dict[str, float] = {}  # seconds between the last line of a mail to this address and the answer
        self.breaks_off: str | None = None  # at mails to this address, once it has them

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.refuse_sender:
            return self.refuse_sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 go on"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        self.raw.append(envelope.content)
        if self.breaks_off in envelope.rcpt_tos:
            server.transport.abort()
        await asyncio.sleep(self.thinks.get(envelope.rcpt_tos[0], 0))
        return "250 kept"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def post_office() -> Iterator[tuple[PostOffice, Controller]]:
    office = PostOffice()
    controller = Controller(
        office,
        hostname="127.0.0.1",
        port=free_port(),
        auth_required=True,
        auth_require_tls=False,
        authenticator=lambda server, session, envelope, mechanism, data: AuthResult(
            success=isinstance(data, LoginPassword) and data.password == b"secret",
            handled=False,
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
        letter = mail.Letter(
            **{  # type: ignore[arg-type]
                "kind": "booking_confirmed",
                "once_key": once_key,
                "to_address": "asha@example.org",
                "to_name": "Asha Rao",
                "subject": "Booked",
                "text": "Your seats are yours.",
                "html": "<p>Your seats are yours.</p>",
                **changes,
            }
        )
        return await mail.write(conn, [letter]) == 1


async def states(house: House) -> list[str]:
    async with house.db.transaction() as conn:
        return [row[0] for row in await conn.fetch("SELECT state FROM mail_outbox ORDER BY once_key")]


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
    assert await mail.send_due(away) == 0
    assert await states(sender) == ["queued"]
    async with sender.db.transaction() as conn:
        assert await conn.fetchval("SELECT attempts FROM mail_outbox") == 0
    await hurry(sender)
    await mail.send_due(sender)
    assert len(office.received) == 1


async def test_a_wrong_password_keeps_the_mail(sender: House) -> None:
    wrong = dataclasses.replace(sender, settings=dataclasses.replace(sender.settings, smtp_password="guess"))
    await write(sender)
    await mail.send_due(wrong)
    assert await states(sender) == ["queued"]


async def test_a_bad_address_is_shown_and_does_not_hold_up_the_others(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    """Once, an address that no server takes was seen as an outage, and everything behind it waited for ever."""
    for number, address in enumerate(("no address at all", "ä\n@example.org", "ben@example.org")):
        await write(sender, f"confirmed:{number}", to_address=address)
    assert await mail.send_due(sender) == 3
    assert await states(sender) == ["dead", "dead", "sent"]
    assert len(post_office[0].received) == 1


async def test_an_address_in_another_script_arrives(sender: House, post_office: tuple[PostOffice, Controller]) -> None:
    await write(sender, to_address="asha@bücher.example", to_name="आशा राव")
    await mail.send_due(sender)
    (message,) = post_office[0].received
    assert message["To"].addresses[0].addr_spec == "asha@xn--bcher-kva.example"
    assert message["To"].addresses[0].display_name == "आशा राव"


@pytest.mark.parametrize("command", ["refuse_sender", "refuse"])
async def test_a_server_that_refuses_us_costs_no_mail_a_try(
    sender: House, post_office: tuple[PostOffice, Controller], command: str
) -> None:
    office, _ = post_office
    for number in range(3):
        await write(sender, f"confirmed:{number}")
    setattr(office, command, "550 this sender may not" if command == "refuse_sender" else "421 closing for tonight")
    assert await mail.send_due(sender) == 0
    assert await states(sender) == ["queued"] * 3
    async with sender.db.transaction() as conn:
        assert await conn.fetchval("SELECT sum(attempts) FROM mail_outbox") == 0
    setattr(office, command, None)
    await hurry(sender)
    assert await mail.send_due(sender) == 3
    assert len(office.received) == 3


async def test_a_mail_that_was_refused_for_now_twelve_times_is_given_up_and_shown(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    post_office[0].refuse = "451 come back later"
    await write(sender)
    pauses = []
    for _ in range(actions.MAX_ATTEMPTS):
        assert await states(sender) == ["queued"]
        await hurry(sender)
        await mail.send_due(sender)
        async with sender.db.transaction() as conn:
            pauses.append(
                await conn.fetchval("SELECT extract(epoch FROM next_attempt_at - house_now()) FROM mail_outbox")
            )
    assert await states(sender) == ["dead"]
    for number, pause in enumerate(pauses[:-1], 1):
        expected = min(5 * 2**number, 6 * 3600)
        assert expected * 0.5 - 1 <= pause <= expected * 1.5


async def tries(house: House) -> list[int]:
    async with house.db.transaction() as conn:
        return [row[0] for row in await conn.fetch("SELECT attempts FROM mail_outbox ORDER BY once_key")]


async def test_a_server_that_looks_long_at_a_mail_gets_it_once(
    sender: House, post_office: tuple[PostOffice, Controller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its silence was taken for an outage after the patience of any command, and it got the mail again every half minute, for ever."""
    monkeypatch.setattr(actions, "TIMEOUT_SECONDS", 0.3)
    post_office[0].thinks["asha@example.org"] = 0.8
    for number in range(2):
        await write(sender, f"confirmed:{number}")
    assert await mail.send_due(sender) == 2
    assert await states(sender) == ["sent", "sent"]
    assert len(post_office[0].received) == 2


@pytest.mark.parametrize("trouble", ["is silent", "breaks off"])
async def test_a_mail_at_which_the_server_never_answers_is_given_up_and_holds_up_nobody(
    sender: House, post_office: tuple[PostOffice, Controller], monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Nobody knows whether it arrived. It was sent again and again, uncounted, and whatever was behind it waited."""
    office, _ = post_office
    monkeypatch.setattr(actions, "MAX_ATTEMPTS", 3)
    if trouble == "breaks off":
        office.breaks_off = "asha@example.org"
    else:
        monkeypatch.setattr(actions, "MAIL_SECONDS", 0.5)
        office.thinks["asha@example.org"] = 2.0
    await write(sender, "confirmed:1")
    await write(sender, "confirmed:2", to_address="ben@example.org")
    await mail.send_due(sender)
    assert await tries(sender) == [1, 0], "what was not begun lost no try"
    async with sender.db.transaction() as conn:
        pause = await conn.fetchval("SELECT next_attempt_at - house_now() FROM mail_outbox WHERE attempts = 1")
    assert 4 < pause.total_seconds() < 15
    await hurry(sender)
    await mail.send_due(sender)
    assert await states(sender) == ["queued", "sent"], "the one without trouble goes first"
    await hurry(sender)
    await mail.send_due(sender)
    assert await states(sender) == ["dead", "sent"]
    assert [each["To"].addresses[0].username for each in office.received] == ["asha", "ben", "asha", "asha"]


async def test_policy_can_be_mended_so_it_is_no_reason_to_give_up(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    post_office[0].refuse = "550 5.7.1 relaying denied"
    await write(sender)
    await mail.send_due(sender)
    assert await states(sender) == ["queued"]


async def test_a_sender_that_ran_out_of_time_gives_back_what_it_did_not_begin(
    sender: House, post_office: tuple[PostOffice, Controller], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its lease would run out while it is still at work, and another would send the same mails."""
    monkeypatch.setattr(actions, "ROUND_SECONDS", 0)
    await write(sender)
    assert await mail.send_due(sender) == 0
    assert post_office[0].received == []
    async with sender.db.transaction() as conn:
        assert await conn.fetchval("SELECT attempts FROM mail_outbox") == 0
        assert await conn.fetchval("SELECT next_attempt_at < house_now() + interval '1 minute' FROM mail_outbox")
    assert actions.ROUND_SECONDS + actions.MAIL_SECONDS < 300


CERTIFICATE = Path(__file__).parent / "localhost.pem"


@pytest.fixture
def secure_office() -> Iterator[tuple[PostOffice, Controller, list[str]]]:
    """A mail server as they are: STARTTLS first, then a password, then mail."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    office = PostOffice()
    asked: list[str] = []

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        asked.append(mechanism)
        return AuthResult(success=data == LoginPassword(b"agency", b"secret"))

    controller = Controller(
        office,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=check,
    )
    controller.start()
    yield office, controller, asked
    controller.stop()


async def test_mail_goes_through_starttls_and_a_password(
    sender: House, secure_office: tuple[PostOffice, Controller, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    office, controller, asked = secure_office
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    secure = dataclasses.replace(
        sender, settings=dataclasses.replace(sender.settings, smtp_port=controller.port, smtp_tls="starttls")
    )
    await write(secure)
    assert await mail.send_due(secure) == 1
    assert len(office.received) == 1 and len(asked) == 1


async def test_neither_password_nor_mail_goes_to_a_server_whose_certificate_nobody_trusts(
    sender: House, secure_office: tuple[PostOffice, Controller, list[str]]
) -> None:
    office, controller, asked = secure_office
    secure = dataclasses.replace(
        sender, settings=dataclasses.replace(sender.settings, smtp_port=controller.port, smtp_tls="starttls")
    )
    await write(secure)
    assert await mail.send_due(secure) == 0
    assert (office.received, asked, await states(secure)) == ([], [], ["queued"])


async def test_mail_is_not_sent_in_the_clear_when_the_server_offers_nothing_else(
    sender: House, post_office: tuple[PostOffice, Controller]
) -> None:
    stripped = dataclasses.replace(sender, settings=dataclasses.replace(sender.settings, smtp_tls="starttls"))
    await write(stripped)
    assert await mail.send_due(stripped) == 0
    assert post_office[0].received == [] and await states(stripped) == ["queued"]


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
    await write(
        sender, to_name='Asha\r\nBcc: all@example.org, "x" <y@example.org>\x1b\u202e', subject="Booked\r\nX-Evil: 1"
    )
    await mail.send_due(sender)
    (message,) = post_office[0].received
    assert message["Bcc"] is None and message["X-Evil"] is None
    assert [address.addr_spec for address in message["To"].addresses] == ["asha@example.org"]
    assert message["To"].addresses[0].display_name == 'Asha Bcc: all@example.org, "x" <y@example.org>'
    assert message["Subject"] == "Booked X-Evil: 1"


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
    link = bookings.manage_link(
        house.settings.public_url, held.reference, bookings.manage_token(house.settings.secret, held.id)
    )
    arrives = actions.opened(house.settings, written)
    assert link in arrives.text_body and link in arrives.html_body
    assert "<img" not in written.html_body and "&lt;img src=x onerror=alert(1)&gt;" in written.html_body
    assert await actions.read(house.db, written.id) == written
    assert await actions.read(house.db, UUID(int=0)) is None


def test_a_missing_variable_is_an_error_and_not_a_hole() -> None:
    from jinja2 import UndefinedError

    from jklg.bookings import jobs as booking_jobs

    with pytest.raises(UndefinedError):
        mail.render(Path(booking_jobs.__file__).parent, "booking_confirmed", Settings(), {"agency_name": "JKLG"})
