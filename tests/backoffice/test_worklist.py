"""Chitra's list of what needs a person: nothing is hidden by a number of other things, and the address keeps what she looks for."""

from __future__ import annotations

import re
from html import unescape

import pytest

from jklg import payments
from jklg.backoffice.worklist import pages
from tests.backoffice.test_concerns import disputed, press
from tests.backoffice.test_today import Office, office, sell  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

STATEMENT = """
INSERT INTO anomalies (id, kind, once_key, detail, opened_at)
SELECT gen_random_uuid(), 'bank_line', 'bank_line:' || n, '{"amount": -350, "currency": "INR"}', house_now() - interval '9 days' FROM generate_series(1, 300) n
"""


async def report(street: Street, kind: str, about: str, **detail: object) -> str:
    async with street.db.transaction() as conn:
        await payments.report_concern(conn, kind, about, detail)
    return str(await street.one("SELECT id FROM anomalies WHERE starts_with(once_key, $1)", about))


async def rows(office: Office, path: str = "/staff/concerns") -> list[str]:
    """The concerns that the page leads to, in its order."""
    page = (await office.browser.get(path)).text
    return list(dict.fromkeys(re.findall(r'href="(/staff/concerns/payments/[^"/]+)"', page)))


async def test_nothing_needs_a_person_and_the_page_says_so(office: Office) -> None:
    await office.sign_in("Support")
    assert "Nothing. Every payment is booked" in await office.read("/staff/concerns")


async def test_one_statement_of_three_hundred_lines_hides_no_dispute(office: Office) -> None:
    await office.sign_in("Manager")
    path = await disputed(office)
    await office.street.one(STATEMENT + " RETURNING true")
    for page in ("/staff", "/staff/concerns"):
        assert (await rows(office, page))[0] == path
        text = await office.read(page)
        assert "Nobody knows what this line of the bank's statement is 300" in text
        assert text.count("line of the bank's statement is 300") == 1, "one row, which leads to the bank's page"
        assert 'href="/staff/bank">Nobody knows what this line' in (await office.browser.get(page)).text
    assert len(await rows(office)) == 1
    assert len(await rows(office, "/staff/concerns?kind=bank_line")) == 40, "asked for by name, they are here too"


async def test_disputes_stand_by_their_deadline_and_then_the_oldest(office: Office) -> None:
    street = office.street
    await office.sign_in("Manager")
    late = await disputed(office)
    old = await report(street, "movement_unmatched", "a", gateway="paypal", difference=700, currency="INR")
    await street.later(hours=1)
    new = await report(street, "balance_differs", "b", gateway="stripe", difference=-900, currency="INR")
    await sell(office)
    await street.one(
        """
        INSERT INTO disputes (id, transaction_id, gateway, livemode, gateway_ref, amount, currency, reason, state, evidence_due_at)
        SELECT gen_random_uuid(), id, gateway, livemode, 'sooner', 100, currency, '', 'needs_response', house_now() + interval '1 hour'
        FROM transactions ORDER BY id DESC LIMIT 1 RETURNING true
        """
    )
    await street.one(
        """
        INSERT INTO anomalies (id, kind, once_key, transaction_id) SELECT gen_random_uuid(), 'dispute', 'dispute:' || id, transaction_id
        FROM disputes WHERE gateway_ref = 'sooner' RETURNING true
        """
    )
    newest = await street.one("SELECT id FROM anomalies WHERE kind = 'dispute' ORDER BY transaction_id DESC LIMIT 1")
    soon = f"/staff/concerns/payments/{newest}"
    assert await rows(office) == [soon, late, f"/staff/concerns/payments/{old}", f"/staff/concerns/payments/{new}"]
    text = (await office.read("/staff/concerns")).replace("\u202f", " ")
    assert "Evidence until" in text and "₹ 7 " in text and "₹ 9 " in text
    assert "4 open" in text


async def test_what_she_looks_for_is_in_the_address(office: Office) -> None:
    street = office.street
    await office.sign_in("Manager")
    hers = f"/staff/concerns/payments/{await report(street, 'movement_unmatched', 'a', gateway='paypal')}"
    other = f"/staff/concerns/payments/{await report(street, 'balance_differs', 'b', gateway='stripe')}"
    await press(office, f"{hers}/take")
    for query, found in (
        ("", [hers, other]),
        ("kind=balance_differs", [other]),
        ("gateway=paypal", [hers]),
        ("whose=mine", [hers]),
        ("whose=nobodys", [other]),
        ("whose=mine&gateway=stripe", []),
        ("state=settled", []),
    ):
        assert await rows(office, f"/staff/concerns?{query}") == found, query
    assert "Nothing is like that." in await office.read("/staff/concerns?whose=mine&gateway=stripe")
    page = (await office.browser.get("/staff/concerns?gateway=paypal")).text
    assert 'href="/staff/concerns?gateway=paypal&amp;kind=movement_unmatched"' in page and "1 open" in page
    assert '<option value="paypal" selected>' in page
    await press(office, f"{hers}/settle", note="a top-up")
    assert await rows(office, "/staff/concerns?state=settled") == [hers]
    assert await rows(office) == [other]


async def test_a_long_list_is_reached_page_by_page_with_the_filter_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SHOWN", 2)
    street = office.street
    await office.sign_in("Manager")
    first = await disputed(office)
    others = []
    for number in range(4):
        await street.later(minutes=1)
        others.append(
            f"/staff/concerns/payments/{await report(street, 'balance_differs', f'b{number}', gateway='sandbox')}"
        )

    async def walk(path: str) -> list[str]:
        found = []
        while path:
            found += await rows(office, path)
            page = (await office.browser.get(path)).text
            older = re.search(r'href="([^"]+)" rel="next"', page)
            path = unescape(older[1]) if older else ""
            assert not path or "gateway=sandbox" in path
        return found

    assert await walk("/staff/concerns?gateway=sandbox") == [first, *others]
    for path in others:
        await press(office, f"{path}/settle", note="x")
        await street.later(minutes=1)
    assert await walk("/staff/concerns?state=settled&gateway=sandbox") == others[::-1]


@pytest.mark.parametrize(
    "query", ["gateway=cheque", "whose=bens", "state=gone", "cursor=garbage", "cursor=0", "kind=no_such", "kind=%00"]
)
async def test_a_filter_that_makes_no_sense_is_told(office: Office, query: str) -> None:
    await office.sign_in("Manager")
    await report(office.street, "balance_differs", "b", gateway="stripe")
    answer = await office.browser.get(f"/staff/concerns?{query}")
    assert answer.status_code == 422
    assert "/staff/concerns/payments/" not in answer.text


@pytest.mark.parametrize(
    ("role", "status", "button"), [("Manager", 200, True), ("Support", 200, False), ("Guide", 403, False)]
)
async def test_who_may_look_and_who_may_take_on(office: Office, role: str, status: int, button: bool) -> None:
    await report(office.street, "balance_differs", "b", gateway="stripe")
    assert (await office.browser.get("/staff/concerns")).headers["location"].startswith("/staff/sign-in")
    await office.sign_in(role)
    answer = await office.browser.get("/staff/concerns")
    assert (answer.status_code, "I take it on" in answer.text) == (status, button)
