"""A quote keeps its word for half an hour, and not longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from jklg import departures, pricing
from jklg.kit.db import Database, open_database
from jklg.kit.errors import BadInput, Conflict, NotFound
from jklg.kit.ids import uuid7
from jklg.pricing import queries
from tests.trade import ADULT, CHILD, add_departure, add_extra, add_package, hold, rows_read


async def test_a_quote_explains_itself_and_can_be_read_again(db: Database) -> None:
    departure_id = await add_departure(db)
    quote = await pricing.make_quote(db, departure_id, {"adult": 2, "child": 1, "infant": 0})
    assert quote.total == 2 * ADULT + CHILD == sum(line.amount for line in quote.lines)
    assert quote.seats == 3
    assert [(p.kind, p.amount) for p in quote.payable] == [("full", quote.total)]
    left = quote.expires_at - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    async with db.connection() as conn:
        assert await pricing.get_quote(conn, quote.quote_id) == quote
        assert await pricing.get_quote(conn, uuid7()) is None


async def test_a_quote_holds_no_seats(db: Database) -> None:
    departure_id = await add_departure(db, seats=2)
    await pricing.make_quote(db, departure_id, {"adult": 2})
    await hold(db, departure_id)
    with pytest.raises(Conflict) as refusal:
        await pricing.make_quote(db, departure_id, {"adult": 1})
    assert refusal.value.code == "sold_out"
    assert refusal.value.details == {"seats_left": 0, "seats": 1}


async def test_a_departure_past_its_cut_off_is_not_quoted(db: Database) -> None:
    departure_id = await add_departure(db, cutoff_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Conflict) as refusal:
        await pricing.make_quote(db, departure_id, {"adult": 2})
    assert refusal.value.code == "departure_closed"


async def test_there_is_no_quote_for_a_departure_that_is_not_there(db: Database) -> None:
    with pytest.raises(NotFound) as refusal:
        await pricing.make_quote(db, uuid7(), {"adult": 2})
    assert refusal.value.code == "departure_not_found"


async def test_the_quoted_price_is_honoured_after_a_price_change_and_the_list_shows_the_new_one(db: Database) -> None:
    departure_id = await add_departure(db)
    quote = await pricing.make_quote(db, departure_id, {"adult": 2})
    async with db.connection() as conn:
        await conn.execute("UPDATE departure_prices SET amount = amount + 100 WHERE departure_id = $1", departure_id)
        offer = await departures.get_offer(conn, departure_id)
        assert offer is not None
        honoured = await pricing.honour_quote(conn, quote.quote_id, offer, {"adult": 2}, [])
    assert honoured.total == quote.total == 2 * ADULT
    assert honoured.lines == quote.lines
    assert pricing.rules.price(offer, {"adult": 2}).total == 2 * ADULT + 200


async def test_a_quote_is_honoured_for_what_it_was_made_for_and_for_nothing_else(db: Database) -> None:
    package_id = await add_package(db)
    pony = await add_extra(db, package_id)
    departure_id = await add_departure(db, package_id=package_id, extras={pony: (180_000, 5)})
    elsewhere = await add_departure(db, package_id=package_id, extras={pony: (100, 5)})
    quote = await pricing.make_quote(db, departure_id, {"adult": 1}, [(pony, 1)])
    async with db.connection() as conn:
        offer, other = await departures.get_offer(conn, departure_id), await departures.get_offer(conn, elsewhere)
        assert offer is not None
        assert other is not None
        for wrong, party, extras in (
            (offer, {"adult": 2}, [(pony, 1)]),
            (offer, {"adult": 1}, []),
            (offer, {"adult": 1}, [(pony, 2)]),
            (other, {"adult": 1}, [(pony, 1)]),
        ):
            with pytest.raises(Conflict) as refusal:
                await pricing.honour_quote(conn, quote.quote_id, wrong, party, extras)
            assert refusal.value.code == "quote_differs"
        with pytest.raises(BadInput):
            await pricing.honour_quote(conn, quote.quote_id, offer, {"adult": -1}, [])


async def test_after_half_an_hour_a_quote_is_over_and_a_day_later_it_is_forgotten(db: Database, db_url: str) -> None:
    departure_id = await add_departure(db)
    quote = await pricing.make_quote(db, departure_id, {"adult": 2})
    assert await pricing.forget_old_quotes(db) == 0
    for later, forgotten in ((timedelta(minutes=31), 0), (timedelta(hours=25), 1)):
        moment = datetime.now(UTC) + later
        tomorrow = await open_database(db_url, clock=lambda moment=moment: moment)  # type: ignore[misc]
        try:
            async with tomorrow.connection() as conn:
                assert await pricing.get_quote(conn, quote.quote_id) is None
                offer = await departures.get_offer(conn, departure_id)
                assert offer is not None
                with pytest.raises(Conflict) as refusal:
                    await pricing.honour_quote(conn, quote.quote_id, offer, {"adult": 2}, [])
                assert refusal.value.code == "quote_expired"
            assert await pricing.forget_old_quotes(tomorrow) == forgotten
        finally:
            await tomorrow.close()


async def test_who_looks_for_quotes_to_forget_reads_none_that_is_still_good(db: Database, server_admin: Any) -> None:
    departure_id = await add_departure(db)
    await pricing.make_quote(db, departure_id, {"adult": 2})
    await server_admin.execute(
        """
        INSERT INTO quotes (id, departure_id, price_version, party, extras, seats, currency, total, lines, expires_at)
        SELECT gen_random_uuid(), departure_id, price_version, party, extras, seats, currency, total, lines, expires_at
        FROM quotes, generate_series(1, 2000)
        """
    )
    await server_admin.execute("VACUUM ANALYZE quotes")
    async with db.transaction() as conn:
        before = await rows_read(conn, "quotes")
        assert await queries.delete_quotes_expired(conn, 1000) == 0
        assert await rows_read(conn, "quotes") - before < 10, "the planner itself looks at the ends of an index"


async def test_the_derivation_survives_the_database_unchanged(db: Database) -> None:
    """jsonb keeps whole numbers whole: 10**14 minor units come back to the last one."""
    departure_id = await add_departure(db, prices={"adult": 99_999_999_999_999})
    quote = await pricing.make_quote(db, departure_id, {"adult": 3})
    async with db.connection() as conn:
        again = await pricing.get_quote(conn, quote.quote_id)
    assert again is not None
    assert again.total == 299_999_999_999_997
    assert msgspec.to_builtins(again.lines) == msgspec.to_builtins(quote.lines)
