"""Asha gets an invoice once, credit notes when the price falls, and numbers that have no gap whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg import app, bookings, invoices, jobs
from jklg.invoices import queries, rules
from jklg.invoices.rules import Seller
from jklg.kit.db import SYSTEM, Connection, Database
from jklg.kit.ids import uuid7
from jklg.payments import cancellations, desk
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.trade import TERMS, add_departure, hold

SELLER = Seller(name="JKLG Travel", address=("Boulevard Road", "190001 Srinagar"), tax_id="GSTIN 01AABCU9603R1ZX")
CHITRA = "staff:0190d5e0-0000-7000-8000-00000000c417"


async def news(street: Street) -> None:
    """The worker hears of everything that was announced."""
    while await jobs.drain(street.house, app.LISTENERS):
        pass


async def papers(street: Street, booking_id: UUID) -> list[invoices.Invoice]:
    async with street.db.transaction() as conn:
        return await invoices.list_of_booking(conn, booking_id)


def owed(found: list[invoices.Invoice]) -> int:
    return sum(each.amount for each in found)


async def confirmed(db: Database) -> UUID:
    """A booking of a departure of its own, so that nothing but the series is shared."""
    held = await hold(db, await add_departure(db))
    async with db.transaction() as conn:
        await bookings.confirm(conn, await bookings.lock(conn, held.id))
    return held.id


async def write(db: Database, booking_id: UUID) -> str | None:
    """The number of the paper, if one was lacking."""
    async with db.transaction() as conn:
        return (await invoices.write(conn, SELLER, [booking_id])).get(booking_id)


# --- when papers are written ------------------------------------------------------------------------------------------


async def test_a_confirmed_booking_has_an_invoice_once_however_often_the_news_is_told(street: Street) -> None:
    held = await street.asha_holds()
    await news(street)
    assert await papers(street, held.id) == [], "nothing is sold yet"
    await street.asha_pays(held.id)
    await news(street)
    (invoice,) = await papers(street, held.id)
    assert (invoice.kind, invoice.amount, invoice.currency) == ("invoice", held.total_price, "INR")
    assert invoice.buyer == {"name": "Asha Rao", "email": "asha@example.org", "address": {}}
    assert invoice.journey["reference"] == held.reference
    async with street.db.transaction() as conn:
        await jobs.announce(conn, "booking.confirmed", {"booking_id": str(held.id)})
        await jobs.announce(conn, "booking.price_reduced", {"booking_id": str(held.id)})
    await news(street)
    assert await papers(street, held.id) == [invoice]
    assert await street.one("SELECT invoice_id FROM bookings WHERE id = $1", held.id) == invoice.number
    url = await street.one("SELECT invoice_url FROM bookings WHERE id = $1", held.id)
    assert url == f"/bookings/{held.reference}/documents/{invoice.number}.pdf"


async def test_what_is_given_up_is_credited_and_the_fee_stays(street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]}, in_days=45)
    await street.asha_pays(held.id)
    await news(street)
    outcome = await cancellations.cancel(street.house, held.id, actor="guest")
    await news(street)
    assert outcome.given is not None
    invoice, note = await papers(street, held.id)
    assert (note.kind, note.corrects, note.corrected) == ("credit_note", invoice.id, invoice.number)
    assert note.number.startswith("CN-") and note.number.endswith("-00001")
    assert note.amount == -(outcome.given.worth - outcome.given.kept)
    assert [line["label"] for line in note.lines] == [rules.GIVEN_UP, rules.KEPT]
    assert owed([invoice, note]) == outcome.given.kept == (await street.booking(held.id)).price


async def test_one_of_two_stays_at_home_and_later_staff_send_some_back(street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]})
    await street.asha_pays(held.id)
    await news(street)
    await cancellations.cancel(street.house, held.id, actor="guest", leaving={"adult": 1})
    await news(street)
    await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=held.id, amount=100_000, reason="the pony was ill", actor=CHITRA
    )
    await news(street)
    invoice, for_ben, for_the_pony = await papers(street, held.id)
    assert for_ben.amount == -invoice.amount // 2
    assert for_ben.lines[0]["party"] == {"adult": 1}
    assert (for_the_pony.amount, [line["label"] for line in for_the_pony.lines]) == (-100_000, [rules.TAKEN_OFF])
    assert owed([invoice, for_ben, for_the_pony]) == (await street.booking(held.id)).price


async def test_an_invoice_written_late_asks_what_is_left(street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]}, in_days=45)
    await street.asha_pays(held.id)
    outcome = await cancellations.cancel(street.house, held.id, actor="guest")
    await news(street)
    assert outcome.given is not None
    (invoice,) = await papers(street, held.id)
    assert invoice.amount == outcome.given.kept
    assert sum(line["amount"] for line in invoice.lines) == invoice.amount


async def test_nothing_is_asked_in_writing_for_what_was_given_up_altogether(street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": TERMS["tiers"]})
    await street.asha_pays(held.id)
    await cancellations.cancel(street.house, held.id, actor="guest")
    await news(street)
    assert await papers(street, held.id) == []


async def test_whoever_is_forgotten_leaves_the_amounts_behind(db: Database) -> None:
    booking_id = await confirmed(db)
    await write(db, booking_id)
    async with db.transaction() as conn:
        (before,) = await invoices.list_of_booking(conn, booking_id)
        await invoices.forget(conn, booking_id)
        (after,) = await invoices.list_of_booking(conn, booking_id)
    assert after.buyer == {}
    assert (after.number, after.amount, after.lines) == (before.number, before.amount, before.lines)


# --- numbers ----------------------------------------------------------------------------------------------------------


async def test_twenty_at_once_get_twenty_numbers_in_a_row(db: Database) -> None:
    sold = [await confirmed(db) for _ in range(20)]
    written = await asyncio.gather(*(write(db, each) for each in sold), *(write(db, each) for each in sold))
    numbers = sorted(each for each in written if each is not None)
    year = numbers[0].split("-")[1]
    assert numbers == [f"INV-{year}-{n:05}" for n in range(1, 21)]


async def test_what_is_rolled_back_leaves_no_gap(db: Database) -> None:
    first, second = await confirmed(db), await confirmed(db)
    with pytest.raises(RuntimeError):
        async with db.transaction() as conn:
            lost = await invoices.write(conn, SELLER, [first])
            raise RuntimeError("the power fails")
    found = await write(db, second)
    assert lost[first] == found, "the number of the paper that never was is given again"


async def test_the_second_writer_waits_for_the_first(db: Database) -> None:
    first, second = await confirmed(db), await confirmed(db)
    async with db.transaction() as conn:
        one = await invoices.write(conn, SELLER, [first])
        waiting = asyncio.create_task(write(db, second))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done, "two papers are numbered at the same time"
    two = await waiting
    assert two is not None
    assert int(two[-5:]) == int(one[first][-5:]) + 1


@pytest.fixture
async def owner(db_url: str) -> AsyncIterator[Connection]:
    conn = await asyncpg.connect(db_url)
    await conn.execute(f"SET request.jwt.claims = '{SYSTEM}'")
    await conn.set_type_codec("jsonb", encoder=str, decoder=str, schema="pg_catalog")
    yield conn
    await conn.close()


async def refuses(conn: Connection, constraint: str, sql: str, *args: object) -> None:
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await conn.execute(sql, *args)
    assert getattr(refusal.value, "constraint_name", None) == constraint


COPY = """
    INSERT INTO invoices (id, kind, year, serial, booking_id, corrects, currency, amount, lines, seller, buyer, journey, terms, issued_on)
    SELECT $1, {kind}, {year}, {serial}, {booking_id}, {corrects}, currency, {amount}, {lines}, seller, buyer, journey, terms, issued_on
    FROM invoices WHERE serial = 1 AND kind = 'invoice'
"""
AS_IT_IS: dict[str, str] = {
    name: name for name in ("kind", "year", "serial", "booking_id", "corrects", "amount", "lines")
}
NOTE = {"kind": "'credit_note'", "corrects": "id", "amount": "-1", "lines": """'[{"amount": -1}]'"""}


def copy(**changes: Any) -> str:
    return COPY.format(**{**AS_IT_IS, **changes})


async def test_the_database_refuses_a_gap_a_double_and_a_wrong_sum(owner: Connection, db: Database) -> None:
    booking_id = await confirmed(db)
    await write(db, booking_id)
    other = f"'{await confirmed(db)}'"
    await refuses(owner, "invoices_without_gap", copy(serial=3, booking_id=other), uuid7())
    await refuses(owner, "invoices_without_gap", copy(serial=3, **NOTE), uuid7())
    await refuses(owner, "invoices_begin_with_one", copy(serial=0, booking_id=other), uuid7())
    await refuses(owner, "invoices_number_once", copy(booking_id=other), uuid7())
    await refuses(owner, "invoices_once_a_booking", copy(serial=2), uuid7())
    await refuses(owner, "invoices_lines_add_up", copy(serial=2, booking_id=other, amount="amount + 1"), uuid7())
    await refuses(owner, "invoices_of_their_year", copy(serial=2, booking_id=other, year="year + 1"), uuid7())
    await refuses(owner, "invoices_credit_notes_name_theirs", copy(**{**NOTE, "corrects": "NULL"}), uuid7())
    await refuses(owner, "invoices_corrected_within_booking", copy(**{**NOTE, "booking_id": other}), uuid7())
    below_nothing = {"amount": "-amount", "lines": """jsonb_build_array(jsonb_build_object('amount', -amount))"""}
    await refuses(owner, "invoices_ask_and_credit_notes_give", copy(serial=2, booking_id=other, **below_nothing), uuid7())  # fmt: skip
    await owner.execute(copy(**NOTE), uuid7())


async def test_a_number_taken_outside_would_be_a_gap_and_is_refused(owner: Connection, db: Database) -> None:
    """The bug planted: a number given in a database transaction of its own, as a sequence would, and lost when the paper is not written."""
    first, second = await confirmed(db), await confirmed(db)
    await write(db, first)
    async with db.transaction() as conn:
        await queries.take_numbers(conn, "invoice", "UTC", 1)
    with pytest.raises(asyncpg.ForeignKeyViolationError) as refusal:
        await write(db, second)
    assert refusal.value.constraint_name == "invoices_without_gap"


async def test_what_is_written_stays_as_it_was_written(owner: Connection, db: Database) -> None:
    await write(db, await confirmed(db))
    for change in ("journey = '{}'", 'buyer = \'{"name": "Mallory"}\'', "buyer = '{}', issued_on = issued_on - 1"):
        await refuses(owner, "invoices_frozen", f"UPDATE invoices SET {change}")
    await refuses(owner, "invoices_frozen", "DELETE FROM invoices")
    await refuses(owner, "invoices_append_only", "TRUNCATE invoices CASCADE")
    await owner.execute("UPDATE invoices SET buyer = '{}'")


async def test_a_stranger_and_another_guest_see_no_papers(street: Street) -> None:
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    await news(street)
    secrets = street.house.settings.secrets
    token = bookings.manage_token(secrets[0], held.id)
    async with street.db.transaction() as conn:
        guest = await bookings.guest_claims(conn, secrets, held.id, token)
    async with street.db.transaction(guest) as conn:
        assert len(await invoices.list_of_booking(conn, held.id)) == 1
    other = await street.asha_holds()
    token = bookings.manage_token(secrets[0], other.id)
    async with street.db.transaction() as conn:
        guest = await bookings.guest_claims(conn, secrets, other.id, token)
    async with street.db.transaction(guest) as conn:
        assert await invoices.list_of_booking(conn, held.id) == []
    async with street.db.connection() as conn:
        assert await invoices.list_of_booking(conn, held.id) == []
