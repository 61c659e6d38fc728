"""Chitra sees that mail to Asha comes back: on her booking, and among what needs a person."""

from __future__ import annotations

from jklg import app, jobs, mail
from jklg.mail import bounces
from tests.backoffice.test_concerns import press
from tests.backoffice.test_put_aside import OPEN, post, post_office, put_before  # noqa: F401  (fixtures)
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.mail.test_bounces import report
from tests.mail.test_mail import PostOffice
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)


async def test_a_letter_that_came_back_is_shown_until_somebody_knows_better(office: Office, post: PostOffice) -> None:
    street = office.street
    await office.sign_in("Manager")
    held = await street.asha_holds()
    await street.asha_pays(held.id)
    await jobs.drain(street.house, app.LISTENERS)
    await mail.send_due(street.house)
    id_ = str(post.received[0]["Message-ID"])
    page = f"/staff/bookings/{held.reference}"
    assert "comes back" not in await office.read(page)
    assert await bounces.file_report(street.db, report(id_)) == "recorded"
    path, _ = await put_before(street)
    text = await office.read(path)
    for part in ("A mail came back", "Asha Rao <asha@example.org>", "550 5.1.1", "no such user"):
        assert part in text, part
    assert "Mail to asha@example.org comes back" in await office.read(page)
    for _ in range(2):
        assert (await press(office, f"{page}/address-is-good")).status_code == 303
    assert "comes back" not in await office.read(page)
    assert "address is good, by Chitra Nair" in await office.read(page)
    await put_before(street)
    assert await street.one(OPEN) == ""
    assert (await press(office, "/staff/bookings/AAAAAA/address-is-good")).status_code == 404


async def test_a_guide_sees_it_and_changes_nothing(office: Office, post: PostOffice) -> None:
    await office.sign_in("Guide")
    held = await office.street.asha_holds()
    assert (await press(office, f"/staff/bookings/{held.reference}/address-is-good")).status_code == 403
