"""POST /api/quotes, as a client written for the contract uses it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jklg.kit.db import Database
from jklg.kit.ids import uuid7
from tests.trade import ADULT, add_departure, add_extra, add_package


async def test_a_quote_has_the_shape_of_the_contract(client: httpx.AsyncClient, db: Database) -> None:
    package_id = await add_package(db)
    pony = await add_extra(db, package_id)
    departure_id = await add_departure(db, package_id=package_id, extras={pony: (180_000, 5)})
    asked = {"departure_id": str(departure_id), "party": {"adult": 2}, "extras": [{"id": str(pony), "quantity": 2}]}
    answer = await client.post("/api/quotes", json=asked)
    assert answer.status_code == 201, answer.text
    quote = answer.json()
    assert quote.keys() >= {"quote_id", "currency", "total", "lines", "payable", "expires_at"}
    assert (quote["currency"], quote["total"]) == ("INR", 2 * ADULT + 360_000)
    assert all(line.keys() == {"label", "quantity", "unit_amount", "amount", "rule"} for line in quote["lines"])
    assert quote["payable"][0].keys() == {"kind", "amount", "due_on"}
    assert quote["expires_at"].endswith("Z")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"party": {"adult": 0}}, 422, "party_invalid"),
        ({"party": {"child": 1}}, 422, "party_needs_adult"),
        ({"party": {"adult": 10**25}}, 422, "party_too_large"),
        ({"party": {"adult": 9}}, 409, "sold_out"),
        ({"extras": [{"id": str(uuid7()), "quantity": 1}]}, 422, "extra_not_offered"),
        ({"departure_id": str(uuid7())}, 404, "departure_not_found"),
        ({"promo_code": "FREE"}, 422, "promo_code_unknown"),
    ],
)
async def test_a_refused_quote_names_its_reason(
    client: httpx.AsyncClient, db: Database, changes: dict[str, Any], status: int, code: str
) -> None:
    departure_id = await add_departure(db, seats=8)
    answer = await client.post(
        "/api/quotes", json={"departure_id": str(departure_id), "party": {"adult": 2}, **changes}
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"total": 1},
        {"party": {"adult": 1.5}},
        {"party": {"adult": True}},
        {"party": {"adult": "2"}},
        {"party": [2]},
        {"party": None},
        {"departure_id": "1"},
        {"extras": [{"id": "x", "quantity": 1}]},
        {"extras": [{"id": str(uuid7()), "quantity": 1, "amount": 0}]},
    ],
)
async def test_a_client_cannot_bring_its_own_price_or_other_nonsense(
    client: httpx.AsyncClient, db: Database, changes: dict[str, Any]
) -> None:
    departure_id = await add_departure(db)
    answer = await client.post(
        "/api/quotes", json={"departure_id": str(departure_id), "party": {"adult": 2}, **changes}
    )
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"]
    async with db.connection() as conn:
        assert await conn.fetchval("SELECT count(*) FROM quotes") == 0
