"""A dispute that comes again stands on Today again: an inquiry that became a chargeback, a loss that is appealed; with the day until which evidence is heard."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from jklg import payments
from jklg.payments import actions
from jklg.payments.gateways.contract import DisputeMovement, DisputeSnapshot
from jklg.sandbox.things import Dispute, Intent
from tests.backoffice.test_today import Office, office, sell  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

OPEN = "SELECT id FROM anomalies WHERE kind = 'dispute' AND resolved_at IS NULL"
DISPUTE = "The payer's bank asks for the money"


async def today(office: Office) -> str:
    return (await office.read()).partition("Needs a person")[2].partition("Money today")[0]


async def settled_by_chitra(office: Office) -> None:
    concern: UUID = await office.street.one(OPEN)
    await payments.settle_concern(
        office.street.db, concern, actor="staff:x", note="She has told me that it was a mistake."
    )
    assert DISPUTE not in await today(office)


async def bank_says(office: Office, what: str) -> None:
    street = office.street
    async with street.bank.bank.work() as work:
        if what == "asks":
            work.dispute(work.all(Intent)[0], inquiry=True)
        else:
            dispute = work.get(Dispute, work.all(Dispute)[0].id)
            (work.escalate if what == "takes the money" else work.respond)(dispute)
    await street.deliver()
    await street.work()


async def hear(
    office: Office, state: str, *, due: datetime | None = None, movements: tuple[DisputeMovement, ...] = ()
) -> None:
    """The gateway says so of the dispute."""
    attempt = await office.street.one("SELECT id FROM transactions")
    seen = await office.street.house.gateways["sandbox"].fetch((await office.street.intents())[0].id)
    told = DisputeSnapshot(
        ref="dp_1",
        state=state,
        amount=900,
        currency="INR",
        reason="fraudulent",
        evidence_due_at=due,
        movements=movements,
    )
    async with office.street.db.transaction() as conn:
        await actions.merge(conn, attempt, msgspec.structs.replace(seen, disputes=[told]), "webhook")


async def test_an_inquiry_that_somebody_settled_comes_again_as_a_chargeback(office: Office) -> None:
    await office.sign_in("Manager")
    await sell(office)
    await bank_says(office, "asks")
    assert "Play bank Evidence until" in await today(office)
    await settled_by_chitra(office)
    await bank_says(office, "takes the money")
    assert "Play bank Evidence until" in await today(office)
    await bank_says(office, "hears us")
    assert "All 1 that are open" in await today(office)
    await settled_by_chitra(office)


async def test_an_inquiry_that_was_closed_and_becomes_a_chargeback_comes_again(office: Office) -> None:
    await office.sign_in("Manager")
    await sell(office)
    for state, seen in (("inquiry", True), ("inquiry_closed", False), ("needs_response", True), ("won", False)):
        await hear(office, state)
        assert (DISPUTE in await today(office)) is seen, state


async def test_a_loss_that_is_appealed_comes_again_each_time(office: Office) -> None:
    await office.sign_in("Manager")
    await sell(office)
    taken = (DisputeMovement(ref="m1", amount=900),)
    await hear(office, "needs_response", movements=taken)
    await settled_by_chitra(office)
    await hear(office, "lost", movements=taken)
    assert DISPUTE not in await today(office)
    for _ in range(2):
        await hear(office, "appealed", due=datetime(2027, 3, 7, 12, tzinfo=UTC), movements=taken)
        assert "Evidence until 7 Mar 2027, 17:30" in await today(office)
        await settled_by_chitra(office)
        await hear(office, "lost", movements=taken)
        assert DISPUTE not in await today(office)


async def test_a_deadline_that_is_moved_is_moved_on_today(office: Office) -> None:
    await office.sign_in("Manager")
    await sell(office)
    await hear(office, "needs_response", due=datetime(2027, 3, 7, 12, tzinfo=UTC))
    await hear(office, "needs_response", due=datetime(2027, 3, 9, 12, tzinfo=UTC))
    assert "Evidence until 9 Mar 2027, 17:30" in await today(office)
    await hear(office, "needs_response")
    assert "Evidence until 9 Mar 2027, 17:30" in await today(office)
