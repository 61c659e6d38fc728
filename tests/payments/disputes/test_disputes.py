"""Asha's bank takes the money back, or asks first; what the house books, shows and refuses meanwhile (payments.md R11, R13, R14, O07)."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg import bookings, ledger, payments
from jklg.kit.ids import uuid7
from jklg.payments import disputes, queries
from jklg.payments.books import CHECKS
from jklg.payments.gateways.contract import DisputeMovement, DisputeSnapshot
from jklg.sandbox.bank import DISPUTE_FEE, Work
from jklg.sandbox.things import Dispute, Intent
from tests.conftest import SECRET
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.payments.test_late_money import late_success


class Case:
    """A paid booking and what its payer's bank does."""

    def __init__(self, street: Street, transaction_id: UUID, booking_id: UUID, ref: str, amount: int) -> None:
        self.street, self.transaction_id, self.booking_id, self.ref, self.amount = (
            street, transaction_id, booking_id, ref, amount,
        )  # fmt: skip

    async def at_bank(self, what: str, **how: Any) -> None:
        async with self.street.bank.bank.work() as work:
            self._do(work, what, how)
        await self.street.deliver()
        await self.street.work()

    def _do(self, work: Work, what: str, how: dict[str, Any]) -> None:
        if what == "dispute":
            work.dispute(work.get(Intent, self.ref), **how)
            return
        newest = work.find(Dispute, work.disputes_of(self.ref)[-1].id)
        assert newest is not None
        {"escalate": work.escalate, "respond": work.respond}.get(what, lambda d: work.decide(d, **how))(newest)

    async def row(self, columns: str) -> Any:
        return await self.street.one(f"SELECT row({columns})::text FROM disputes ORDER BY opened_at DESC LIMIT 1")

    async def books(self) -> dict[str, int]:
        names = ("gateway_clearing:sandbox", "disputes_receivable", "dispute_losses", "dispute_fees")
        findings = await ledger.verify(self.street.db, CHECKS, keys=[SECRET])
        assert findings.ok, findings.broken
        async with self.street.bank.bank.work() as work:
            available = work.balance()["INR"]["available"]
        found = {name: await self.street.balance(name) for name in names}
        assert found["gateway_clearing:sandbox"] == available, "our books and the bank's agree"
        return {name.partition(":")[0]: amount for name, amount in found.items()}


@pytest.fixture
async def case(street: Street) -> Case:
    held = await street.asha_holds()
    started = await street.start(held.id)
    assert started.transaction.ref is not None
    await street.pays(started.transaction.ref)
    await street.deliver()
    await street.work()
    assert (await street.booking(held.id)).status == "confirmed"
    return Case(street, started.transaction.id, held.id, started.transaction.ref, started.transaction.amount)


async def refusal_of(case: Case, amount: int, origin: str = "staff") -> str | None:
    """The promise that the database keeps when somebody reserves a refund; None: it is reserved."""
    try:
        async with case.street.db.transaction() as conn:
            await conn.execute(
                "INSERT INTO refunds (id, transaction_id, amount, currency, origin, request_key, source_account) "
                "VALUES ($1, $2, $3, 'INR', $4, $5, 'customer_deposits')",
                uuid7(), case.transaction_id, amount, origin, f"test:{uuid7()}",
            )  # fmt: skip
            raise InterruptedError
    except InterruptedError:
        return None
    except asyncpg.PostgresError as error:
        return str(getattr(error, "constraint_name", error))


async def test_a_dispute_takes_the_money_and_a_fee_and_stands_before_a_person(case: Case) -> None:
    await case.at_bank("dispute")
    assert await case.row("state, withdrawn_amount, lost_amount, closed_at") == f"(needs_response,{case.amount},0,)"
    assert await case.books() == {
        "gateway_clearing": -DISPUTE_FEE, "disputes_receivable": case.amount, "dispute_losses": 0, "dispute_fees": DISPUTE_FEE,
    }  # fmt: skip
    found = "SELECT kind || ' ' || (detail ->> 'reason') || ' ' || (detail ->> 'evidence_due_at' IS NOT NULL) FROM anomalies WHERE resolved_at IS NULL"
    assert await case.street.one(found) == "dispute fraudulent true"
    assert (await case.street.booking(case.booking_id)).status == "confirmed", (
        "the seats are Asha's until somebody decides otherwise"
    )


async def test_a_dispute_that_is_won_costs_the_fee_and_nothing_else(case: Case) -> None:
    await case.at_bank("dispute")
    await case.at_bank("respond")
    assert await case.row("state") == "(under_review)"
    await case.at_bank("decide", won=True)
    assert await case.row("state, withdrawn_amount, lost_amount, closed_at IS NULL") == "(won,0,0,f)"
    assert await case.books() == {
        "gateway_clearing": case.amount - DISPUTE_FEE, "disputes_receivable": 0, "dispute_losses": 0, "dispute_fees": DISPUTE_FEE,
    }  # fmt: skip
    assert await case.street.one("SELECT count(*) FROM anomalies WHERE resolved_at IS NULL") == 0
    assert await refusal_of(case, case.amount) is None, "what is ours again can be sent back"


async def test_a_dispute_that_is_lost_is_written_off(case: Case) -> None:
    await case.at_bank("dispute")
    await case.at_bank("decide", won=False)
    assert await case.row("state, withdrawn_amount, lost_amount") == f"(lost,{case.amount},{case.amount})"
    assert await case.books() == {
        "gateway_clearing": -DISPUTE_FEE, "disputes_receivable": 0, "dispute_losses": case.amount, "dispute_fees": DISPUTE_FEE,
    }  # fmt: skip
    assert await refusal_of(case, 1) == "refunds_never_exceed_captured", "nothing is left of it"


async def test_an_inquiry_takes_nothing_until_it_becomes_a_dispute(case: Case) -> None:
    await case.at_bank("dispute", inquiry=True)
    assert await case.row("state, withdrawn_amount") == "(inquiry,0)"
    assert (await case.books())["gateway_clearing"] == case.amount
    assert await refusal_of(case, case.amount) is None, "sending the money back may end an inquiry"
    await case.at_bank("escalate")
    assert await case.row("state, withdrawn_amount") == f"(needs_response,{case.amount})"
    assert (await case.books())["gateway_clearing"] == -DISPUTE_FEE


async def test_an_inquiry_that_ends_well_is_closed(case: Case) -> None:
    await case.at_bank("dispute", inquiry=True)
    await case.at_bank("decide", won=True)
    assert await case.row("state, withdrawn_amount, closed_at IS NULL") == "(inquiry_closed,0,f)"
    assert (await case.books())["dispute_fees"] == 0


async def test_nothing_is_sent_back_while_the_bank_decides(case: Case) -> None:
    await case.at_bank("dispute")
    for origin in ("staff", "customer", "late_money"):
        assert await refusal_of(case, 1, origin) == "refunds_not_while_disputed"


async def test_what_a_part_of_a_dispute_leaves_can_be_sent_back_once_it_is_over(case: Case) -> None:
    await case.at_bank("dispute", amount=1_000)
    await case.at_bank("decide", won=False)
    assert await refusal_of(case, case.amount - 999) == "refunds_never_exceed_captured"
    assert await refusal_of(case, case.amount - 1_000) is None
    assert (await case.books())["dispute_losses"] == 1_000


async def test_a_dispute_nobody_told_us_of_is_found_by_looking(case: Case) -> None:
    case.street.faults.lose_webhooks = 100
    await case.at_bank("dispute")
    assert await case.street.one("SELECT count(*) FROM disputes") == 0
    await payments.settle(case.street.house, case.transaction_id, source="poll")
    assert await case.row("state") == "(needs_response)"
    await case.at_bank("decide", won=True)
    assert await case.row("state") == "(needs_response)", "nobody has told us"
    await case.street.later(hours=7)
    await case.street.work()
    assert await case.row("state") == "(won)", "an open dispute is looked at by itself"


def told(state: str, *movements: int, ref: str = "dp_1") -> DisputeSnapshot:
    """What a gateway says of a dispute of 500."""
    moved = [
        DisputeMovement(ref=f"m{n}", amount=amount, fee=0, fee_currency="INR") for n, amount in enumerate(movements)
    ]
    return DisputeSnapshot(
        ref=ref, state=state, amount=500, currency="INR", reason="fraudulent", evidence_due_at=None, movements=moved
    )


STORY = (told("inquiry"), told("needs_response", 500), told("under_review", 500), told("won", 500, -500))


async def hear(case: Case, *reports: DisputeSnapshot) -> None:
    for report in reports:
        async with case.street.db.transaction() as conn:
            await bookings.lock(conn, case.booking_id)
            await disputes.apply(conn, await queries.lock(conn, case.transaction_id), report, "webhook")


async def test_the_order_in_which_answers_arrive_does_not_matter(case: Case) -> None:
    """O07: the end before the beginning, and everything twice."""
    for number, order in enumerate(permutations(STORY)):
        named = [
            DisputeSnapshot(
                ref=f"dp_{number}", state=each.state, amount=500, currency="INR", reason="", evidence_due_at=None,
                movements=[DisputeMovement(ref=f"{number}.{m.ref}", amount=m.amount) for m in each.movements],
            )
            for each in (*order, *order)
        ]  # fmt: skip
        await hear(case, *named)
        assert (
            await case.street.one(
                "SELECT row(state, withdrawn_amount, lost_amount)::text FROM disputes WHERE gateway_ref = $1",
                f"dp_{number}",
            )
            == "(won,0,0)"
        ), [each.state for each in order]
    assert await case.street.balance("disputes_receivable") == 0
    assert await case.street.balance("dispute_losses") == 0


async def test_what_was_lost_may_be_won_on_appeal_and_lost_again(case: Case) -> None:
    await hear(case, told("lost", 500))
    assert await case.street.balance("dispute_losses") == 500
    await hear(case, told("appealed", 500))
    assert (await case.street.balance("dispute_losses"), await case.street.balance("disputes_receivable")) == (0, 500)
    await hear(case, told("lost", 500))
    assert (await case.street.balance("dispute_losses"), await case.street.balance("disputes_receivable")) == (500, 0)
    await hear(case, told("appealed", 500), told("won", 500, -500), told("lost", 500))
    assert await case.row("state, withdrawn_amount, lost_amount") == "(won,0,0)"
    assert (await case.street.balance("dispute_losses"), await case.street.balance("disputes_receivable")) == (0, 0)


async def test_two_who_hear_of_one_dispute_at_once_book_it_once(case: Case) -> None:
    async with case.street.bank.bank.work() as work:
        work.dispute(work.get(Intent, case.ref))
    await asyncio.gather(*(payments.settle(case.street.house, case.transaction_id, source="poll") for _ in range(8)))
    assert (await case.books())["disputes_receivable"] == case.amount
    assert await case.street.one("SELECT count(*) FROM disputes") == 1


async def test_late_money_that_the_bank_takes_back_is_not_sent_back_as_well(street: Street) -> None:
    held = await street.asha_holds(seats=2)
    started = await late_success(street, held)
    street.faults.dispute = 1
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    await street.work()
    async with street.bank.bank.work() as work:
        assert work.balance()["INR"]["available"] == -DISPUTE_FEE, "taken back once"
    findings = await ledger.verify(street.db, CHECKS, keys=[SECRET])
    assert findings.ok, findings.broken


async def test_what_a_dispute_is_about_is_not_edited(case: Case) -> None:
    await case.at_bank("dispute")
    with pytest.raises(asyncpg.PostgresError) as refused:
        await case.street.one("UPDATE disputes SET currency = 'USD'")
    assert getattr(refused.value, "constraint_name", None) == "disputes_subject_frozen"
    with pytest.raises(asyncpg.PostgresError) as refused:
        await case.street.one(
            "INSERT INTO disputes SELECT gen_random_uuid(), transaction_id, gateway, livemode, gateway_ref, amount, currency, reason, state FROM disputes"
        )
    assert getattr(refused.value, "constraint_name", None) == "disputes_once"
