"""Chitra looks through all payments: page after page, filtered, and one with everything that belongs to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jklg.kit.errors import BadInput
from jklg.payments import browsing
from tests.backoffice.test_today import Office, office, sell  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

LIST = "/api/payments/transactions"


async def sell_several(office: Office, number: int) -> list[str]:
    return [await sell(office, seats=1) for _ in range(number)]


async def read(office: Office, **query: Any) -> Any:
    answer = await office.browser.get(LIST, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_page_after_page_nothing_is_lost_or_doubled_while_others_pay(office: Office) -> None:
    await office.sign_in("Manager")
    sold = await sell_several(office, 5)
    seen, cursor = [], None
    while True:
        page = await read(office, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [row["bookings"]["reference"] for row in page["transactions"]]
        await sell(office, seats=1)
        cursor = page["pagination"]["next"]
        if cursor is None:
            break
    assert seen == sold[::-1]


async def test_by_page_number_as_the_old_client_asks(office: Office) -> None:
    await office.sign_in("Manager")
    sold = await sell_several(office, 3)
    second = await read(office, page=2, limit=2)
    assert [row["bookings"]["reference"] for row in second["transactions"]] == [sold[0]]
    assert second["pagination"] == {"page": 2, "limit": 2, "total": 3, "totalPages": 2, "next": None}
    assert (await office.browser.get(LIST, params={"page": 501})).json()["code"] == "page_too_deep"


async def test_filters(office: Office) -> None:
    await office.sign_in("Support")
    sold = await sell_several(office, 2)
    held = await office.street.asha_holds(email="ben@example.org")
    await office.street.start(held.id)
    for query, number in (
        ({"status": "completed"}, 2), ({"status": "pending"}, 1), ({"gateway": "sandbox"}, 3), ({"gateway": "stripe"}, 0),
        ({"q": sold[0].lower()}, 1), ({"q": "BEN@example.org"}, 1), ({"booking": str(held.id)}, 1), ({"amount_min": 10**14}, 0),
        ({"from": "2020-01-01", "to": "2020-01-02"}, 0), ({"from": "2020-01-01"}, 3), ({"customer": str(held.id)}, 0),
    ):  # fmt: skip
        assert len((await read(office, **query))["transactions"]) == number, query


async def test_one_with_its_story(office: Office) -> None:
    await office.sign_in("Manager")
    await sell(office)
    (row,) = (await read(office))["transactions"]
    one = (await office.browser.get(f"{LIST}/{row['id']}")).json()
    assert one["transaction"] == row
    assert [log["new_status"] for log in one["audit_logs"]][-1] == "succeeded"
    assert sum(posting["amount"] for posting in one["postings"]) == 0 and one["postings"]
    for wrong in ("x", row["booking_id"]):
        assert (await office.browser.get(f"{LIST}/{wrong}")).status_code == 404


async def test_strangers_and_guides_see_no_money(office: Office) -> None:
    assert (await office.browser.get(LIST)).status_code == 401
    await office.sign_in("Guide")
    assert (await office.browser.get(LIST)).status_code == 403


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"page": "0"}, {"page": "x"}, {"cursor": "!"}, {"cursor": "AAAA"}, {"status": "x"}, {"from": "x"},
     {"from": "0001-01-01"}, {"to": "9999-12-31"}, {"amount_min": "-1"}, {"booking": "x"}, {"q": "\0"}, {"q": "x" * 400}],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(office: Office, query: dict[str, str]) -> None:
    await office.sign_in("Manager")
    assert (await office.browser.get(LIST, params=query)).status_code in (400, 422)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=80))
def test_any_text_is_a_place_or_refused(cursor: str) -> None:
    refused = None
    try:
        place = browsing.read_cursor(cursor)
    except BadInput as refusal:
        refused = refusal.code
    assert refused == "cursor_invalid" or browsing.read_cursor(browsing.write_cursor(place)) == place


async def test_a_filtered_page_far_back_is_read_from_an_index_in_order(street: Street) -> None:
    for name in ("status", "gateway"):
        plan = await street.one(
            f"""
            SELECT string_agg(indexdef, ' ') FROM pg_indexes
            WHERE tablename = 'transactions' AND indexdef LIKE '%({name}, created_at DESC, id DESC)%'
            """
        )
        assert plan, name
