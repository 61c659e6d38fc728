"""Chitra signs in; Mallory does not, and learns nothing from trying."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg
import pytest

from jklg import staff
from jklg.kit.db import Database
from jklg.kit.errors import BadInput, Conflict, NotSignedIn, TooMany
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
    for _ in range(rules.MAX_FAILURES):
        with pytest.raises(NotSignedIn):
            await desk.sign_in(password="guess", network="10.9.9.9")
    with pytest.raises(TooMany) as refusal:
        await desk.sign_in(password="guess", network="10.9.9.9")
    assert refusal.value.code == "too_many_tries"
    assert (await desk.sign_in(network="10.0.0.1")).token


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


async def test_an_old_session_ends(desk: Desk) -> None:
    session = await desk.sign_in()
    async with desk.db.transaction() as conn:
        await conn.execute("UPDATE staff_sessions SET expires_at = house_now()")
    assert await staff.recognise(desk.db, session.token) is None
    assert await staff.recognise(desk.db, None) is None
    assert await staff.recognise(desk.db, "x" * 10_000) is None


async def test_neither_passwords_nor_tokens_are_stored(desk: Desk) -> None:
    session = await desk.sign_in()
    async with desk.db.transaction() as conn:
        rows = await conn.fetch(
            "SELECT staff::text FROM staff UNION ALL SELECT staff_sessions::text FROM staff_sessions"
        )
    text = " ".join(row[0] for row in rows)
    assert session.token not in text and "a long walk" not in text and "$argon2id$v=19$m=19456,t=2,p=1$" in text


async def test_an_address_is_given_once_whatever_its_case(desk: Desk) -> None:
    with pytest.raises(Conflict) as refusal:
        await staff.add(desk.db, email="CHITRA@example.org", name="C", role="Guide", password="another password")
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


def test_the_table_of_permissions_is_that_of_the_contract() -> None:
    assert len(rules.PERMISSIONS) == 48
    assert all(rules.can("Admin", permission) for permission in rules.PERMISSIONS)
    assert not rules.can("Support", "bookings_update_payment")
    assert rules.can("Manager", "bookings_update_payment")
    assert {p for p in rules.PERMISSIONS if rules.can("Guide", p)} == {
        "bookings_view", "bookings_send_reminder", "dashboard_view", "destinations_view", "packages_view", "gallery_view", "blog_view", "testimonials_view", "faq_view",
    }  # fmt: skip
    with pytest.raises(KeyError):
        rules.can("Admin", "no_such_permission")
