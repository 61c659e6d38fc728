"""Chitra looks for a payment: by what she knows of it, page by page, down to what it did in the books."""

from __future__ import annotations

import pytest

from jklg.backoffice.payments import pages
from tests.backoffice.test_today import Office, office, sell  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

NOBODYS = "019aa000-0000-7000-8000-000000000001"


async def test_nobody_has_paid_and_the_page_says_so(office: Office) -> None:
    await office.sign_in("Support")
    assert "Nobody has tried to pay yet." in await office.read("/staff/payments")


async def test_a_payment_is_found_by_what_one_knows_of_it(office: Office) -> None:
    await office.sign_in("Support")
    hers = await sell(office)
    his = await sell(office, 1, name="Ben Rao", email="ben@example.org")
    both = await office.read("/staff/payments")
    assert hers in both and his in both and "2 payments" in both
    for query in (
        "q=ben@example.org",
        f"q={his.lower()}",
        "most=31000&currency=inr",
        "least=1&most=31,000&currency=INR",
    ):
        found = await office.read(f"/staff/payments?{query}")
        assert his in found and hers not in found and "1 payment," in found, query
    for query in ("status=failed", "gateway=paypal", "from=2031-01-01", "currency=EUR", "q=nobody@example.org"):
        assert "No payment is like that." in await office.read(f"/staff/payments?{query}"), query


async def test_older_ones_are_reached_page_by_page_with_the_filter_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "SHOWN", 2)
    await office.sign_in("Support")
    sold = [await sell(office) for _ in range(3)]
    first = (await office.browser.get("/staff/payments?status=completed")).text
    assert sold[2] in first and sold[1] in first and sold[0] not in first
    older = first.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "status=completed" in older
    second = (await office.browser.get(older)).text
    assert sold[0] in second and sold[1] not in second and 'rel="next"' not in second
    assert 'href="/staff/payments?status=completed">The newest' in second


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=2026-02-30", "from=0001-01-01", "least=1", "most=x&currency=INR", "currency=QQQ", "status=gone",
     "gateway=cheque", "cursor=garbage", "q=%00", "least=1e3&currency=INR"],
)  # fmt: skip
async def test_a_filter_that_makes_no_sense_is_told_and_kept(office: Office, query: str) -> None:
    await office.sign_in("Support")
    answer = await office.browser.get(f"/staff/payments?{query}")
    assert answer.status_code == 422
    assert "Please" in answer.text or "We do not know" in answer.text


async def test_one_payment_tells_its_story(office: Office) -> None:
    await office.sign_in("Support")
    reference = await sell(office)
    payment = await office.street.one("SELECT id FROM transactions")
    text = await office.read(f"/staff/payments/{payment}")
    assert reference in text and str(payment) in text
    assert (
        "gateway_clearing:sandbox" in text
        and "customer_deposits" in text
        and "requires payment method to succeeded" in text
    )


@pytest.mark.parametrize("path", ["x", NOBODYS])
async def test_what_is_no_payment_is_not_found(office: Office, path: str) -> None:
    await office.sign_in("Support")
    assert (await office.browser.get(f"/staff/payments/{path}")).status_code == 404


async def test_guides_see_no_money_and_strangers_are_asked_to_sign_in(office: Office) -> None:
    for path in ("/staff/payments", f"/staff/payments/{NOBODYS}"):
        assert (await office.browser.get(path)).headers["location"].startswith("/staff/sign-in")
    await office.sign_in("Guide")
    for path in ("/staff/payments", f"/staff/payments/{NOBODYS}"):
        assert (await office.browser.get(path)).status_code == 403
    assert "/staff/payments" not in (await office.browser.get("/staff")).text
