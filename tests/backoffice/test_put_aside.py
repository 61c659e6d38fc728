"""Chitra deals with what was put aside: each mail, webhook and news has an owner, a note, an effect she sees first, and a way out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from jklg import app, jobs, ledger, mail
from jklg.jobs import worker
from jklg.kit.errors import Conflict
from jklg.mail import queries as outbox
from jklg.payments import aside
from jklg.payments.books import CHECKS
from jklg.startup import doctor
from tests.backoffice.test_concerns import CONCERN, press
from tests.backoffice.test_today import Office, hold_news, office  # noqa: F401  (a fixture)
from tests.conftest import SECRET
from tests.mail.test_mail import PostOffice, post_office  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

OPEN = "SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '') FROM anomalies WHERE resolved_at IS NULL"
DONE = "SELECT coalesce(string_agg(action, ' ' ORDER BY id), '') FROM history WHERE subject_id = $1 AND actor LIKE 'staff:%'"


async def put_before(street: Street) -> tuple[str, Any]:
    """What the sweep finds stands before a person. The page of the concern, and its id."""
    await aside.watch(street.house)
    found = await street.one(CONCERN)
    return f"/staff/concerns/payments/{found}", found


@pytest.fixture
async def post(street: Street, post_office: tuple[PostOffice, Any]) -> PostOffice:
    """A mail server beside the house."""
    counter, controller = post_office
    street.house.settings = replace(
        street.house.settings, smtp_host="127.0.0.1", smtp_port=controller.port, smtp_user="u", smtp_password="secret",
        smtp_tls="none", smtp_from_email="office@example.org",
    )  # fmt: skip
    return counter


async def lost_mail(street: Street, post: PostOffice) -> None:
    """The server of Asha's mailbox refuses her mail for good."""
    async with street.db.transaction() as conn:
        letter = mail.Letter(
            kind="payment_receipt", once_key="r:1", to_address="asha@example.org", to_name="Asha Rao", subject="Your receipt",
            text="t", html="<p>h</p>",
        )  # fmt: skip
        await mail.write(conn, [letter])
    post.refuse = "550 no such mailbox"
    await mail.send_due(street.house)
    post.refuse = None


async def test_a_mail_that_nobody_took_is_sent_again_once(office: Office, post: PostOffice) -> None:
    street = office.street
    await office.sign_in("Manager")
    await lost_mail(street, post)
    path, concern = await put_before(street)
    text = await office.read(path)
    for part in (
        "A mail could not be delivered",
        "Asha Rao <asha@example.org>",
        "Your receipt",
        "no such mailbox",
        "under the same number",
    ):
        assert part in text, part
    assert (await press(office, f"{path}/take")).headers["location"] == f"{path}?said=taken"
    answers = await asyncio.gather(*(press(office, f"{path}/again") for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [303, 409, 409]
    for _ in range(2):
        await mail.send_due(street.house)
        await street.work()
    assert [str(each["Subject"]) for each in post.received] == ["Your receipt"]
    assert await street.one(OPEN) == ""
    assert await street.one(DONE, concern) == "concern.taken_on concern.tried_again concern.settled"
    assert "Tried again." in await office.read(path)


async def test_a_mail_that_is_refused_once_more_comes_back_and_what_is_settled_does_not(
    office: Office, post: PostOffice
) -> None:
    street = office.street
    await office.sign_in("Manager")
    await lost_mail(street, post)
    path, first = await put_before(street)
    await press(office, f"{path}/again")
    await street.later(minutes=1)
    post.refuse = "550 no such mailbox"
    await mail.send_due(street.house)
    path, second = await put_before(street)
    assert second != first
    assert (await press(office, f"{path}/settle", note="She was called")).status_code == 303
    assert await aside.watch(street.house) == 0 and await street.one(OPEN) == ""
    assert (await press(office, f"{path}/again")).status_code == 409
    assert await street.one("SELECT state FROM mail_outbox") == "dead"


async def test_a_mail_whose_reader_has_left_is_nobodys_task_any_more(office: Office, post: PostOffice) -> None:
    await lost_mail(office.street, post)
    await put_before(office.street)
    async with office.street.db.transaction() as conn:
        await mail.forget(conn, ["r:1"])
    await aside.watch(office.street.house)
    assert await office.street.one("SELECT resolved_by FROM anomalies") == "system"


async def test_a_dead_webhook_is_shown_with_its_effect_and_works_once_more(office: Office) -> None:
    """W22, W24."""
    await office.sign_in("Manager")
    street = office.street
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.one(
        "UPDATE webhook_inbox SET state = 'dead', attempts = 12, last_error = 'a bug of ours' WHERE id = (SELECT max(id) FROM webhook_inbox) RETURNING true"
    )
    path, concern = await put_before(street)
    assert f'href="{path}"' in (await office.browser.get("/staff")).text
    for _ in range(2):
        text = await office.read(path)
        assert "a bug of ours" in text and "held becomes confirmed" in text
    assert (await street.booking(held.id)).status == "held"
    assert (await press(office, f"{path}/again")).headers["location"] == f"{path}?said=again"
    await street.work()
    assert (await street.booking(held.id)).status == "confirmed"
    postings = await street.one("SELECT count(*) FROM ledger_transactions")
    assert (await press(office, f"{path}/again")).status_code == 409
    await street.work()
    assert await street.one("SELECT count(*) FROM ledger_transactions") == postings
    assert await street.one("SELECT state FROM webhook_inbox ORDER BY id DESC LIMIT 1") == "done"
    assert "concern.tried_again" in await street.one(DONE, concern)


async def test_a_webhook_that_came_twice_with_different_words_does_not_stay_for_ever(office: Office) -> None:
    street = office.street
    await office.sign_in("Manager")
    held = await street.asha_holds()
    await street.start(held.id)
    await street.deliver()
    await street.work()
    await street.one("UPDATE webhook_inbox SET collision = true, other_sha256 = sha256('other') RETURNING true")
    path, concern = await put_before(street)
    text = await office.read(path)
    assert await street.one("SELECT encode(body_sha256, 'hex') FROM webhook_inbox") in text
    assert await street.one("SELECT encode(sha256('other'), 'hex')") in text
    assert "may be a forgery" in text and "Nothing. What the gateway says is what we have." in text
    assert (await press(office, f"{path}/again")).status_code == 409, "the second was never kept"
    assert (await press(office, f"{path}/look")).headers["location"] == f"{path}?said=looked"
    assert (await press(office, f"{path}/settle", note="Stripe's support knows it")).status_code == 303
    assert await aside.watch(street.house) == 0
    assert "Nothing. Every payment is booked" in await office.read()
    assert await street.one(DONE, concern) == "concern.looked_at concern.settled"


async def test_news_that_nobody_could_act_on_is_told_again_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = office.street
    await office.sign_in("Manager")
    async with street.db.transaction() as conn:
        await jobs.announce(conn, "seat.lost", {"booking_id": "42"})
    await hold_news(office, monkeypatch)
    path, _ = await put_before(street)
    text = await office.read(path)
    for part in ("seat.lost", "Booking id 42", "RuntimeError: always", "told once more"):
        assert part in text, part
    answers = await asyncio.gather(*(press(office, f"{path}/again") for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [303, 409, 409]
    heard: list[object] = []

    async def listens(_: app.House, payload: object) -> None:
        heard.append(payload)

    for _ in range(2):
        await jobs.drain(street.house, {"seat.lost": [listens]})
    assert heard == [{"booking_id": "42"}]
    await aside.watch(street.house)
    assert await street.one(OPEN) == ""
    assert worker.MAX_ATTEMPTS == 0


async def test_a_mail_server_that_refuses_our_password_is_one_concern_until_mails_go(
    office: Office, post: PostOffice
) -> None:
    """Nobody was told: what is given back costs no try, and is due again within a minute, so that it never looked late."""
    street = office.street
    await office.sign_in("Manager")
    right = street.house.settings
    street.house.settings = replace(right, smtp_password="of last year")
    async with street.db.transaction() as conn:
        letters = [
            mail.Letter(
                kind="payment_receipt", once_key=f"r:{n}", to_address="asha@example.org", to_name="Asha Rao", subject="Your receipt",
                text="t", html="<p>h</p>",
            ) for n in range(3)
        ]  # fmt: skip
        await mail.write(conn, letters)
    told = []
    for _ in range(6):
        await mail.send_due(street.house)
        await aside.watch(street.house)
        told.append(await street.one(OPEN))
        await street.later(minutes=9)
    assert told == ["", "", *["mail_server_away"] * 4]
    assert await doctor._mail(street.db) == (False, "0 given up, 3 waiting for more than ten minutes")
    text = await office.read(f"/staff/concerns/payments/{await street.one(CONCERN)}")
    for part in ("Mails do not leave the house", "Mails that wait", "SMTPAuthenticationError"):
        assert part in text, part
    async with street.db.transaction() as conn:
        assert len(await outbox.claim_due(conn, 20)) == 3
    await aside.watch(street.house)
    assert await street.one(OPEN) == "mail_server_away", "a try that has begun is no mail that has gone"
    await street.later(minutes=6)
    street.house.settings = right
    assert await mail.send_due(street.house) == 3
    await aside.watch(street.house)
    assert await street.one(OPEN) == "" and await street.one("SELECT count(*) FROM anomalies") == 1
    assert await doctor._mail(street.db) == (True, "0 given up, 0 waiting for more than ten minutes")


async def test_the_sweep_tells_of_each_once_however_many_workers_there_are(office: Office, post: PostOffice) -> None:
    await lost_mail(office.street, post)
    await asyncio.gather(*(aside.watch(office.street.house) for _ in range(6)))
    assert await office.street.one(OPEN) == "mail_dead"
    assert await office.street.one("SELECT detail::text FROM anomalies") != "", "ids and words of ours"
    assert "asha" not in await office.street.one("SELECT detail::text FROM anomalies")


async def test_a_dead_mail_explains_no_money_of_a_stranger(street: Street, post: PostOffice) -> None:
    """Any open concern that names no booking hid money in suspense that nobody had been told of."""
    await lost_mail(street, post)
    await put_before(street)
    async with street.db.transaction() as conn:
        entries = [("gateway_clearing:sandbox", 700), ("suspense:unapplied", -700)]
        await ledger.post(conn, "capture", "gateway_object", "sandbox:in_9:700", None, "INR", entries)
    findings = await ledger.verify(street.db, CHECKS, keys=[SECRET])
    assert any("suspense" in each for each in map(str, findings.broken)), findings.broken


async def test_what_was_not_put_aside_cannot_be_tried_again(office: Office) -> None:
    street = office.street
    await street.one(
        "INSERT INTO anomalies (id, kind, once_key) VALUES (gen_random_uuid(), 'late_success', 'k') RETURNING true"
    )
    with pytest.raises(Conflict, match="not_put_aside"):
        await aside.again(street.house, await street.one(CONCERN), actor="staff:x")


@pytest.mark.parametrize(("role", "acts"), [("Support", 403), ("Guide", 403)])
async def test_who_may_only_look_tries_nothing_again(office: Office, post: PostOffice, role: str, acts: int) -> None:
    await lost_mail(office.street, post)
    path, _ = await put_before(office.street)
    assert (await press(office, f"{path}/again")).status_code == 401
    await office.sign_in(role)
    assert (await press(office, f"{path}/again")).status_code == acts
    assert await office.street.one("SELECT state FROM mail_outbox") == "dead"
