"""Chitra signs in; Mallory does not, and learns nothing from trying."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from jklg import staff
from jklg.kit.db import Database, open_database
from jklg.kit.errors import BadInput, Conflict, NotSignedIn, TooMany
from jklg.limits import Limit
from jklg.staff import rules


@dataclass
class Desk:
    db: Database

    async def sign_in(
        self, email: str = "chitra@example.org", password: str = "a long walk in the hills", network: str = "10.0.0.1"
    ) -> staff.SignedIn:
        return await staff.sign_in(self.db, email=email, password=password, network=network, user_agent="a browser")


@pytest.fixture
async def desk(db: Database) -> Desk:
    await staff.add(db, email="Chitra@example.org", name="Chitra", role="Manager", password="a long walk in the hills")
    return Desk(db)


async def test_chitra_signs_in_and_out(desk: Desk) -> None:
    session = await desk.sign_in()
    person = await staff.recognise(desk.db, session.token)
    assert person is not None and (person.name, person.role) == ("Chitra", "Manager")
    await staff.sign_out(desk.db, session.token)
    assert await staff.recognise(desk.db, session.token) is None


async def test_a_wrong_password_and_an_unknown_address_are_the_same_answer(desk: Desk) -> None:
    answers = set()
    for email, password in (
        ("chitra@example.org", "wrong password"),
        ("nobody@example.org", "wrong password"),
        ("", ""),
        ("chitra@example.org", "x" * 5000),
    ):
        with pytest.raises(NotSignedIn) as refusal:
            await desk.sign_in(email, password)
        answers.add((refusal.value.code, refusal.value.sentence))
    assert answers == {("invalid_credentials", "E-mail address or password is wrong.")}


async def test_mallory_is_stopped_and_chitra_is_not_locked_out(desk: Desk) -> None:
    for _ in range(rules.HERE.times):
        with pytest.raises(NotSignedIn):
            await desk.sign_in(password="guess", network="10.9.9.9")
    with pytest.raises(TooMany) as refusal:
        await desk.sign_in(password="guess", network="10.9.9.9")
    assert refusal.value.code == "too_many_tries" and refusal.value.retry_after in range(1, 91)
    assert (await desk.sign_in(network="10.0.0.1")).token


async def test_a_hundred_guesses_at_once_are_not_all_the_first(db_url: str, desk: Desk) -> None:
    """The tries were once counted after they had failed: whoever asked all at once had as many as they liked."""
    crowd = await open_database(db_url, max_size=20)
    answers = await asyncio.gather(
        *(Desk(crowd).sign_in(password="guess", network="10.9.9.9") for _ in range(40)), return_exceptions=True
    )
    await crowd.close()
    assert sum(isinstance(answer, NotSignedIn) for answer in answers) == rules.HERE.times
    assert sum(isinstance(answer, TooMany) for answer in answers) == 40 - rules.HERE.times


async def test_mallory_cannot_try_many_accounts_from_one_network(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "NETWORK", Limit("staff_network", 3, 900))
    for number in range(3):
        with pytest.raises(NotSignedIn):
            await desk.sign_in(f"somebody{number}@example.org", network=f"2001:db8:1:1::{number}")
    with pytest.raises(TooMany):
        await desk.sign_in(network="2001:db8:1:1:ffff::1")
    assert (await desk.sign_in(network="2001:db8:1:2::1")).token


async def test_chitra_may_mistype_every_day(db_url: str, desk: Desk) -> None:
    today = datetime.now(UTC)
    db = await open_database(db_url, clock=lambda: today)
    for _ in range(3):
        for _ in range(rules.HERE.times - 1):
            with pytest.raises(NotSignedIn):
                await Desk(db).sign_in(password="mistyped")
        assert (await Desk(db).sign_in()).token
        today += timedelta(days=1)
    await db.close()


async def test_signing_in_rightly_is_no_try(desk: Desk) -> None:
    for _ in range(rules.HERE.times + 5):
        assert (await desk.sign_in()).token


async def test_after_a_quarter_of_an_hour_everybody_may_try_again(db_url: str, desk: Desk) -> None:
    for _ in range(rules.HERE.times):
        with pytest.raises(NotSignedIn):
            await desk.sign_in(password="guess")
    with pytest.raises(TooMany):
        await desk.sign_in()
    later = datetime.now(UTC) + timedelta(minutes=16)
    tomorrow = await open_database(db_url, clock=lambda: later)
    assert (await Desk(tomorrow).sign_in()).token
    await tomorrow.close()


async def test_what_was_typed_into_the_wrong_field_is_not_kept(desk: Desk) -> None:
    with pytest.raises(NotSignedIn):
        await desk.sign_in(email="my secret password", password="")
    async with desk.db.transaction() as conn:
        kept = await conn.fetch("SELECT * FROM limits")
    assert len(kept) == 3 and not any("secret" in repr(tuple(row)) for row in kept)


async def test_strangers_everywhere_cannot_lock_chitra_out(desk: Desk) -> None:
    await desk.sign_in(network="10.0.0.1")
    for number in range(rules.ANYWHERE.times):
        with pytest.raises(NotSignedIn):
            await desk.sign_in(password="guess", network=f"10.7.{number}.1")
    with pytest.raises(TooMany):
        await desk.sign_in(password="guess", network="10.8.0.1")
    assert (await desk.sign_in(network="10.0.0.1")).token


async def test_chitra_is_known_at_her_desk_after_she_signed_out(desk: Desk) -> None:
    """Signing out once dropped the session, and with it what told her desk from a stranger's: the polite were locked out."""
    session = await desk.sign_in(network="10.0.0.1")
    await staff.sign_out(desk.db, session.token)
    for number in range(rules.ANYWHERE.times):
        with pytest.raises(NotSignedIn):
            await desk.sign_in(password="guess", network=f"10.7.{number}.1")
    assert (await desk.sign_in(network="10.0.0.1")).token


async def test_a_session_that_ended_long_ago_is_forgotten(desk: Desk) -> None:
    ended, lives = await desk.sign_in(), await desk.sign_in()
    await staff.sign_out(desk.db, ended.token)
    assert await staff.forget_ended(desk.db) == 0
    async with desk.db.transaction() as conn:
        await conn.execute(
            "UPDATE staff_sessions SET expires_at = expires_at - interval '90 days' WHERE expires_at <= house_now()"
        )
    assert await staff.forget_ended(desk.db) == 1
    assert await staff.recognise(desk.db, lives.token) is not None


async def test_a_deactivated_or_demoted_person_notices_at_once(desk: Desk) -> None:
    session = await desk.sign_in()
    async with desk.db.transaction() as conn:
        await conn.execute("UPDATE staff SET role = 'Guide'")
    person = await staff.recognise(desk.db, session.token)
    assert person is not None and person.role == "Guide"
    async with desk.db.transaction() as conn:
        await conn.execute("UPDATE staff SET is_active = false")
    assert await staff.recognise(desk.db, session.token) is None
    with pytest.raises(NotSignedIn):
        await desk.sign_in()


async def test_who_come_in_the_same_moment_are_told_apart(desk: Desk) -> None:
    await staff.add(desk.db, email="dev@example.org", name="Dev", role="Support", password="a long walk in the hills")
    chitras, devs = (await desk.sign_in()).token, (await desk.sign_in("dev@example.org")).token
    tokens = [chitras, devs, "of nobody", devs, None, chitras] * 5
    people = await asyncio.gather(*(staff.recognise(desk.db, token) for token in tokens))
    assert [person and person.name for person in people] == ["Chitra", "Dev", None, "Dev", None, "Chitra"] * 5


async def test_an_old_session_ends(desk: Desk) -> None:
    session = await desk.sign_in()
    async with desk.db.transaction() as conn:
        await conn.execute("UPDATE staff_sessions SET expires_at = house_now()")
    assert await staff.recognise(desk.db, session.token) is None
    assert await staff.recognise(desk.db, None) is None
    assert await staff.recognise(desk.db, "x" * 10_000) is None


async def test_neither_passwords_nor_tokens_are_stored(earnest_hashes: None, desk: Desk) -> None:
    session = await desk.sign_in()
    async with desk.db.transaction() as conn:
        rows = await conn.fetch(
            "SELECT staff::text FROM staff UNION ALL SELECT staff_sessions::text FROM staff_sessions"
        )
    text = " ".join(row[0] for row in rows)
    assert session.token not in text and "a long walk" not in text and "$argon2id$v=19$m=19456,t=2,p=1$" in text


async def test_an_address_is_given_once_whatever_its_case(desk: Desk) -> None:
    with pytest.raises(Conflict) as refusal:
        await staff.add(desk.db, email="CHITRA@example.org", name="C", role="Guide", password="a longer walk in them")
    assert refusal.value.code == "email_taken"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "name_invalid"),
        ({"email": "chitra"}, "email_invalid"),
        ({"role": "Owner"}, "role_invalid"),
        ({"password": "short"}, "password_invalid"),
        ({"password": "x" * 129}, "password_invalid"),
    ],
)
async def test_a_bad_account_is_refused_by_name(db: Database, changes: dict[str, str], code: str) -> None:
    account = {"email": "dev@example.org", "name": "Dev", "role": "Admin", "password": "long enough", **changes}
    with pytest.raises(BadInput) as refusal:
        await staff.add(db, **account)
    assert refusal.value.code == code


async def test_sessions_are_the_houses_own(db: Database, desk: Desk) -> None:
    await desk.sign_in()
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM staff_sessions") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute("DELETE FROM staff")


CONTRACT = """
users_view: Admin, Manager
users_create/edit/delete/change_role, settings_view/edit, bookings_delete, testimonials_create/edit/delete, tickets_delete: Admin
bookings_view, bookings_send_reminder, dashboard_view, destinations_view, packages_view, gallery_view, blog_view, testimonials_view, faq_view: Admin, Manager, Guide, Support
bookings_create, bookings_edit, tickets_view/create/edit: Admin, Manager, Support
bookings_reassign, bookings_update_payment, bookings_export, bookings_bulk_actions, tickets_assign, reports_view, testimonials_approve: Admin, Manager
destinations_create/edit/delete, packages_create/edit/delete, gallery_create/edit/delete, blog_create/edit/delete, faq_create/edit/delete: Admin, Manager
"""


def agreed() -> Iterator[tuple[str, str, bool]]:
    """(permission, role, granted) for every cell of the contract's table."""
    for line in CONTRACT.strip().splitlines():
        permissions, _, roles = line.partition(": ")
        for entry in permissions.split(", "):
            noun, _, verbs = entry.partition("_")
            for verb in verbs.split("/"):
                for role in ("Admin", "Manager", "Guide", "Support"):
                    yield f"{noun}_{verb}", role, role in roles.split(", ")


def test_the_table_of_permissions_is_that_of_the_contract() -> None:
    cells = list(agreed())
    assert {permission for permission, _, _ in cells} == set(rules.PERMISSIONS)
    assert [(permission, role, rules.can(role, permission)) for permission, role, _ in cells] == cells
    assert len(cells) == 48 * 4


def test_a_permission_or_a_role_that_is_not_there_opens_nothing() -> None:
    with pytest.raises(KeyError):
        rules.can("Admin", "no_such_permission")
    assert not any(rules.can(role, permission) for role in ("", "admin", "Owner") for permission in rules.PERMISSIONS)
