"""Chitra looks through all payments: page after page, filtered, and one with everything that belongs to it."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jklg.kit import cursors
from jklg.kit.db import claims
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


async def test_a_part_of_what_one_remembers_is_enough(office: Office) -> None:
    await office.sign_in("Manager")
    held = await office.street.asha_holds(name="Benjamin D'Souza-Iyer", email="ben_100%@mountain.example.org")
    started = await office.street.start(held.id)
    other = await office.street.asha_holds(name="Zoë Ångström", email="zoe@example.org")
    await office.street.start(other.id)
    ref = started.transaction.ref or ""
    for q, number in (
        (held.reference[1:4].lower(), 1), ("jamin", 1), ("SOUZA-iy", 1), ("Benjamin D'S", 1), ("100%@m", 1), ("_100", 1), (ref, 1), (ref[:-1], 2),
        ("mountain", 1), ("ÅNGSTRÖM", 1), ("example.org", 2), ("nobody", 0), ("%%%", 0), ("___", 0), ("\\\\\\", 0), (ref[3:].upper(), 0),
    ):  # fmt: skip
        found = await read(office, q=q)
        assert len(found["transactions"]) == number == found["pagination"]["total"], q
    assert len((await read(office, q="example.org", status="completed"))["transactions"]) == 0
    first = await read(office, q="example.org", limit=1)
    second = await read(office, q="example.org", limit=1, cursor=first["pagination"]["next"])
    assert [row["bookings"]["reference"] for page in (first, second) for row in page["transactions"]] == [
        other.reference,
        held.reference,
    ]


async def test_what_matches_nearly_everything_is_read_in_the_order_of_the_list(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More matches than are counted: as if ten thousand were two."""
    monkeypatch.setattr(browsing.queries, "COUNTED", 2)
    await office.sign_in("Manager")
    sold = await sell_several(office, 4)
    found = await read(office, q="asha", limit=3)
    assert [row["bookings"]["reference"] for row in found["transactions"]] == sold[:0:-1]
    assert found["pagination"]["total"] == 2
    assert len((await read(office, q="asha", cursor=found["pagination"]["next"]))["transactions"]) == 1


async def test_words_of_somebody_who_left_find_nothing(office: Office) -> None:
    await office.sign_in("Manager")
    await sell(office)
    assert (await read(office, q="asha"))["pagination"]["total"] == 1
    async with office.street.db.transaction() as conn:
        await conn.execute("UPDATE bookings SET name = '', email = ''")
    assert (await read(office, q="asha"))["pagination"]["total"] == 0


async def test_a_text_is_looked_for_in_the_indexes_made_for_it(street: Street) -> None:
    """Under row-level security an index is used only for what cannot leak: hence find_bookings, and ~>=~ where LIKE would do."""
    await street.start((await street.asha_holds()).id)
    async with street.db.transaction(claims("staff")) as conn:
        await conn.execute("SET LOCAL enable_seqscan = off")
        rows = await conn.fetch(
            "EXPLAIN SELECT t.id FROM transactions t WHERE t.transaction_id ~>=~ 'pi_3' AND t.transaction_id ~<~ ('pi_3' || chr(1114111))"
        )
        assert "transactions_by_ref" in str(rows)
    conn = await asyncpg.connect(street.owner_url)
    try:
        await conn.execute("SET enable_seqscan = off")
        rows = await conn.fetch("EXPLAIN SELECT booking_id FROM booking_words WHERE words LIKE '%rao%'")
        assert "booking_words_in_part" in str(rows)
    finally:
        await conn.close()


async def test_only_staff_and_the_house_find_bookings_by_their_words(street: Street) -> None:
    held = await street.asha_holds()
    found = {}
    for role, more in (
        ("system", {}),
        ("staff", {}),
        ("guest", {"booking_id": str(held.id)}),
        ("customer", {}),
        ("", {}),
    ):
        async with street.db.transaction(claims(role, **more)) as conn:
            found[role] = [row[0] for row in await conn.fetch("SELECT find_bookings('asha', 5)")]
            seen = await conn.fetchval("SELECT count(*) FROM booking_words")
            assert seen == len(found[role]), role
    assert found == {"system": [held.id], "staff": [held.id], "guest": [], "customer": [], "": []}


async def test_one_with_its_story(office: Office) -> None:
    await office.sign_in("Manager")
    await sell(office)
    (row,) = (await read(office))["transactions"]
    one = (await office.browser.get(f"{LIST}/{row['id']}")).json()
    assert one["transaction"] == row
    assert [log["new_status"] for log in one["audit_logs"]][-1] == "succeeded"
    assert sum(posting["amount"] for posting in one["postings"]) == 0 and one["postings"]
    assert {row["currency"], *(posting["currency"] for posting in one["postings"])} == {"inr"}
    assert row["metadata"] == {} and one["refunds"] == one["disputes"] == []
    for wrong in ("x", row["booking_id"]):
        assert (await office.browser.get(f"{LIST}/{wrong}")).status_code == 404


async def test_a_refunded_and_disputed_one_tells_of_both(office: Office) -> None:
    await office.sign_in("Manager")
    office.street.faults.dispute = 1
    held = await office.street.asha_holds()
    await office.street.asha_pays(held.id)
    await office.street.deliver()
    await office.street.work()
    other = await office.street.asha_holds()
    await office.street.asha_pays(other.id)
    back = {"bookingId": str(other.id), "amount": 700, "reason": "goodwill"}
    assert (await office.browser.post("/api/payments/refund", json=back)).json()["status"] == "completed"
    refunded, disputed = (await read(office))["transactions"]
    one = (await office.browser.get(f"{LIST}/{refunded['id']}")).json()
    assert [(each["amount"], each["state"], each["origin"], each["reason"]) for each in one["refunds"]] == [
        (700, "succeeded", "staff", "goodwill")
    ]
    assert {"refund_submitted", "refund_succeeded", "capture"} <= {each["kind"] for each in one["postings"]}
    assert [each["action"] for each in one["audit_logs"]][-1] == "refunded"
    one = (await office.browser.get(f"{LIST}/{disputed['id']}")).json()
    assert [each["state"] for each in one["disputes"]] == ["needs_response"]
    assert sum(each["amount"] for each in one["postings"]) == 0


async def test_who_sees_bookings_sees_their_payments_and_strangers_do_not(office: Office) -> None:
    """contract.md 1: `bookings_view`, which Guides have, too."""
    await sell(office)
    for path in (LIST, f"{LIST}/{await office.street.one('SELECT id::text FROM transactions')}"):
        assert (await office.browser.get(path)).status_code == 401
    for role in ("Guide", "Support", "Manager", "Admin"):
        await office.sign_in(role)
        for path in (LIST, f"{LIST}/{await office.street.one('SELECT id::text FROM transactions')}"):
            assert (await office.browser.get(path)).status_code == 200, role


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "101"}, {"page": "0"}, {"page": "x"}, {"cursor": "!"}, {"cursor": "AAAA"}, {"status": "x"}, {"from": "x"},
     {"from": "0001-01-01"}, {"to": "9999-12-31"}, {"amount_min": "-1"}, {"booking": "x"}, {"q": "\0"}, {"q": "as"}, {"q": "x" * 400}],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(office: Office, query: dict[str, str]) -> None:
    await office.sign_in("Manager")
    assert (await office.browser.get(LIST, params=query)).status_code in (400, 422)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=80))
def test_any_text_is_a_place_or_refused(cursor: str) -> None:
    refused = None
    try:
        place = cursors.read(cursor)
    except BadInput as refusal:
        refused = refusal.code
    assert refused == "cursor_invalid" or cursors.read(cursors.write(place)) == place


async def test_a_filtered_page_far_back_is_read_from_an_index_in_order(street: Street) -> None:
    for name in ("status", "gateway"):
        plan = await street.one(
            f"""
            SELECT string_agg(indexdef, ' ') FROM pg_indexes
            WHERE tablename = 'transactions' AND indexdef LIKE '%({name}, created_at DESC, id DESC)%'
            """
        )
        assert plan, name
