"""Every place where the house may be killed, and what is left when it has been started again: one booking, one charge,
one confirmation, or nothing at all. Real processes, SIGKILL, one database for all of them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from jklg.kit import failpoints
from tests.conftest import Server
from tests.journeys.town import Citizen, Customer, Town, build_town
from tests.trade import TERMS, add_departure, add_package

pytestmark = pytest.mark.slow
SOURCE = Path(failpoints.__file__).parents[1]

WEB = {
    "before_inbox_commit": ("the bank rings",),
    "after_intent_commit": ("she starts to pay", "she gives up"),
    "after_gateway_answer": ("she starts to pay", "she comes back", "she gives up"),
    "before_apply_commit": ("she starts to pay", "she comes back", "she gives up"),
    "after_apply_commit": ("she starts to pay", "she comes back", "she gives up"),
}
"""Failpoints that a web process reaches, and when."""

WORKER = (
    "after_gateway_answer",
    "before_apply_commit",
    "after_apply_commit",
    "worker_before_done",
    "after_mail_sent",
    "reconcile_mid_page",
)
"""Failpoints that a worker reaches."""

ELSEWHERE = ("before_circular_commit",)
"""Of what no journey needs: tests/bookings/circulars/test_circulars.py."""


def test_every_failpoint_of_the_house_is_tried() -> None:
    source = "\n".join(path.read_text() for path in SOURCE.rglob("*.py"))
    reached = set(re.findall(r'failpoints\.reach\("(\w+)"\)', source))
    assert reached <= failpoints.NAMES
    assert {*WEB, *WORKER, *ELSEWHERE} == reached


class Crossroads(Town):
    """A web that lives, a web that may be killed and to which the bank brings its webhooks, and a worker that may be killed."""

    calm: Citizen
    frail: Citizen
    office: Citizen


@pytest.fixture(scope="module")
async def town(server: Server, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crossroads]:
    async with build_town(Crossroads, server, template, tmp_path_factory.mktemp("town")) as town:
        town.calm, town.frail, town.office = town.web("calm"), town.web("frail"), town.worker("office")
        await town.calm.start()
        await town.bank(town.frail).start()
        yield town


@pytest.fixture
async def asha(town: Crossroads) -> AsyncIterator[Customer]:
    """Asha holds two seats. Whoever still runs afterwards goes home."""
    customer = Customer(town, await add_departure(town.db))
    await customer.books(town.calm)
    yield customer
    await town.frail.stop()
    await town.office.stop()


@pytest.mark.parametrize("place", [name for name, moments in WEB.items() if "she starts to pay" in moments])
async def test_the_web_dies_while_she_starts_to_pay_and_she_tries_again(
    town: Crossroads, asha: Customer, place: str
) -> None:
    await town.frail.start(place)
    with pytest.raises(httpx.TransportError):
        await asha.starts_to_pay(town.frail)
    await town.frail.dies()
    await town.frail.start()
    await town.office.start()
    intent = await asha.starts_to_pay(town.frail)
    await town.pays_on_the_banks_page(intent)
    await town.comes_to_rest()
    await asha.has_paid_once()


@pytest.mark.parametrize("place", [name for name, moments in WEB.items() if "she starts to pay" in moments])
async def test_the_web_dies_while_she_starts_to_pay_and_she_gives_up(
    town: Crossroads, asha: Customer, place: str
) -> None:
    await town.frail.start(place)
    with pytest.raises(httpx.TransportError):
        await asha.starts_to_pay(town.frail)
    await town.frail.dies()
    await town.office.start()
    await town.frail.start()
    await town.later(minutes=20)
    await town.comes_to_rest()
    await asha.has_lost_nothing()


@pytest.mark.parametrize("place", [name for name, moments in WEB.items() if "she comes back" in moments])
async def test_the_web_dies_while_she_comes_back_from_the_bank(town: Crossroads, asha: Customer, place: str) -> None:
    intent = await asha.starts_to_pay(town.calm)
    await town.pays_on_the_banks_page(intent)
    await town.frail.start(place)
    with pytest.raises(httpx.TransportError):
        await asha.comes_back(town.frail, intent)
    await town.frail.dies()
    await town.frail.start()
    assert (await asha.comes_back(town.frail, intent))["bookingStatus"] == "confirmed"
    await town.office.start()
    await town.comes_to_rest()
    await asha.has_paid_once()


@pytest.mark.parametrize("place", [name for name, moments in WEB.items() if "she gives up" in moments])
async def test_the_web_dies_while_she_gives_up_and_her_money_comes_back_once(town: Crossroads, place: str) -> None:
    """The refund is reserved and not asked for; asked for, and its answer not written; written, and not told to her."""
    package = await add_package(town.db, terms={"tiers": TERMS["tiers"]})
    asha = Customer(town, await add_departure(town.db, package_id=package))
    await asha.books(town.calm)
    intent = await asha.starts_to_pay(town.calm)
    await town.pays_on_the_banks_page(intent)
    assert (await asha.comes_back(town.calm, intent))["bookingStatus"] == "confirmed"
    try:
        await town.frail.start(place)
        with pytest.raises(httpx.TransportError):
            await asha.gives_up(town.frail)
        await town.frail.dies()
        known = 0 if place == "after_intent_commit" else 1
        assert len(await town.refunds(intent)) == known, "what the bank has done when the house dies"
        await town.frail.start()
        assert (await asha.gives_up(town.frail))["code"] == "booking_ended"
        await town.office.start()
        await town.later(minutes=6)
        await town.comes_to_rest()
        assert [refund["amount"] for refund in await town.refunds(intent)] == [asha.booking["total_price"]]
        told = """SELECT string_agg(r.state || ' ' || r.amount, ', ') FROM refunds r
                  JOIN transactions t ON t.id = r.transaction_id WHERE t.booking_id = $1"""
        assert await town.ask(told, UUID(asha.booking["id"])) == f"succeeded {asha.booking['total_price']}"
        assert sum("refund" in str(letter["Subject"]).lower() for letter in town.letters(asha.email)) <= 1
    finally:
        await town.frail.stop()
        await town.office.stop()


async def test_the_web_dies_while_the_bank_rings(town: Crossroads, asha: Customer) -> None:
    await town.frail.start("before_inbox_commit")
    intent = await asha.starts_to_pay(town.calm)
    await town.pays_on_the_banks_page(intent)
    await town.frail.dies()
    assert await town.ask("SELECT count(*) FROM webhook_inbox WHERE ref = $1", intent["paymentIntentId"]) == 0
    await town.frail.start()
    await town.office.start()
    await town.comes_to_rest()
    await asha.has_paid_once()


@pytest.mark.parametrize("place", WORKER)
async def test_the_worker_dies(town: Crossroads, asha: Customer, place: str) -> None:
    await town.frail.start()
    intent = await asha.starts_to_pay(town.calm)
    await town.pays_on_the_banks_page(intent)
    await town.ask("DELETE FROM reconciliation_watermarks")  # it is due
    await town.office.start(place)
    await town.office.dies()
    await town.office.start()
    await town.later(minutes=6)
    await town.comes_to_rest()
    await asha.has_paid_once(letters_at_most=2 if place == "after_mail_sent" else 1)
