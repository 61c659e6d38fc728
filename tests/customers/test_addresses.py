"""At most twenty addresses, and one of them is where things go."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg.kit.ids import uuid7
from tests.customers.people import People, people, refused  # noqa: F401  (a fixture)
from tests.customers.test_profile import Asha, asha  # noqa: F401  (a fixture)

HOME = {"label": "Home", "street": "12 Boulevard Road", "city": "Srinagar", "country": "IN"}


async def _list(asha: Asha) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await asha.ask("GET", "/addresses")).json()["addresses"]
    return found


async def test_the_first_address_is_the_default_and_another_may_become_it(asha: Asha) -> None:
    first = await asha.ask("POST", "/addresses", HOME)
    assert first.status_code == 201
    assert first.json()["address"] == {
        "id": first.json()["address"]["id"], **HOME, "state": "", "postal_code": "", "is_default": True,
    }  # fmt: skip
    second = (await asha.ask("POST", "/addresses", {**HOME, "label": "Work", "state": "J&K"})).json()["address"]
    assert second["is_default"] is False
    third = (await asha.ask("POST", "/addresses", {**HOME, "label": "Mother", "is_default": True})).json()["address"]
    assert [(each["label"], each["is_default"]) for each in await _list(asha)] == [
        ("Mother", True), ("Home", False), ("Work", False),
    ]  # fmt: skip
    changed = await asha.ask("PUT", f"/addresses/{second['id']}", {**HOME, "label": "Office", "is_default": True})
    assert changed.json()["address"] == {**second, "label": "Office", "state": "", "is_default": True}
    kept = await asha.ask("PUT", f"/addresses/{second['id']}", {**HOME, "label": "Office"})
    assert kept.json()["address"]["is_default"] is True, "a default stays one until another is"
    assert (await asha.ask("DELETE", f"/addresses/{second['id']}")).status_code == 200
    assert [(each["label"], each["is_default"]) for each in await _list(asha)] == [("Home", True), ("Mother", False)]
    assert (await asha.ask("DELETE", f"/addresses/{third['id']}")).status_code == 200
    refused(await asha.ask("DELETE", f"/addresses/{third['id']}"), 404, "address_not_found")
    refused(await asha.ask("PUT", f"/addresses/{third['id']}", HOME), 404, "address_not_found")
    refused(await asha.ask("DELETE", "/addresses/home"), 404, "address_not_found")


async def test_another_customers_address_is_one_that_does_not_exist(asha: Asha) -> None:
    ben = Asha(asha.people, await asha.people.join("ben@example.org", name="Ben", at="198.51.100.2"))
    address = (await ben.ask("POST", "/addresses", HOME)).json()["address"]["id"]
    for method, body in (("DELETE", None), ("PUT", HOME)):
        there = await asha.ask(method, f"/addresses/{address}", body)
        nowhere = await asha.ask(method, f"/addresses/{uuid7()}", body)
        assert (there.status_code, there.content) == (404, nowhere.content)
    assert len(await _list(ben)) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({name: value for name, value in HOME.items() if name != "city"}, "missing_field"),
        ({**HOME, "street": "   "}, "text_invalid"),
        ({**HOME, "street": "x" * 301}, "text_invalid"),
        ({**HOME, "label": "a\nb\x00"}, "invalid_character"),
        ({**HOME, "is_default": "yes"}, "wrong_type"),
    ],
)
async def test_an_address_is_complete_or_refused(asha: Asha, body: Any, code: str) -> None:
    answer = await asha.ask("POST", "/addresses", body)
    refused(answer, 400, code)
    assert await _list(asha) == []


async def test_twenty_addresses_are_enough_also_when_they_come_at_once(asha: Asha) -> None:
    answers = await asyncio.gather(*(asha.ask("POST", "/addresses", {**HOME, "is_default": True}) for _ in range(24)))
    assert sorted(answer.status_code for answer in answers) == [201] * 20 + [409] * 4
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_addresses"}
    found = await _list(asha)
    assert [each["is_default"] for each in found] == [True] + [False] * 19


async def test_the_database_knows_one_default_only(asha: Asha) -> None:
    await asha.ask("POST", "/addresses", HOME)
    async with asha.people.house.db.transaction() as conn:
        with pytest.raises(asyncpg.UniqueViolationError) as refusal:
            await conn.execute(
                "INSERT INTO customer_addresses (id, customer_id, label, street, city, country, is_default) VALUES ($1, $2, 'x', 'x', 'x', 'x', true)",
                uuid7(),
                UUID(asha.id),
            )
    assert refusal.value.constraint_name == "customer_addresses_one_default"
