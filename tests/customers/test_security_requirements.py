"""What docs/security.md promises and no story tells by itself."""

from __future__ import annotations

import re

from jklg.customers import entering
from tests.customers.people import PASSWORD, People, people  # noqa: F401  (a fixture)

PAGES_WITH_PASSWORDS = (
    "/login",
    "/signup",
    "/reset-password?customerId=00000000-0000-7000-8000-000000000000&token=" + "x" * 32,
)


async def test_a_password_does_not_grow_old(people: People) -> None:
    await people.join()
    people.later(days=5 * 365)
    assert (await people.login()).status_code == 200


async def test_the_agency_signs_asha_out_of_every_device(people: People) -> None:
    await people.join()
    tokens = [(await people.login()).json()["token"] for _ in range(2)]
    ended = await entering.sign_out_everywhere(people.house.db, "Asha@example.org")
    assert ended >= 2
    for token in tokens:
        assert (await people.ask("GET", "/me", token=token)).status_code == 401
    assert (await people.login()).status_code == 200
    assert await entering.sign_out_everywhere(people.house.db, "nobody@example.org") == 0


async def test_a_new_house_has_no_accounts(people: People) -> None:
    assert await people.rows("SELECT 1 FROM customers") == []
    assert await people.rows("SELECT 1 FROM staff") == []
    for name in ("admin", "root", "test", "demo"):
        answer = await people.login(f"{name}@example.org", "password123")
        assert answer.status_code == 401


async def test_password_fields_are_masked_and_helped_by_password_managers(people: People) -> None:
    for address in PAGES_WITH_PASSWORDS:
        page = await people.page(address)
        fields = re.findall(r"<input[^>]*password[^>]*>", page.text)
        assert fields, address
        for field in fields:
            assert 'type="password"' in field, (address, field)
            assert re.search(r'autocomplete="(current|new)-password', field), (address, field)
        assert "onpaste" not in page.text


async def test_every_page_of_the_account_offers_to_sign_out(people: People) -> None:
    await people.join()
    token = (await people.login()).json()["token"]
    for address in ("", "/profile", "/bookings", "/addresses", "/preferences", "/security", "/export", "/delete"):
        page = await people.page(f"/account{address}", cookie=token)
        assert page.status_code == 200, address
        assert re.search(r'<form[^>]*action="/logout"', page.text), address
    assert PASSWORD not in page.text
