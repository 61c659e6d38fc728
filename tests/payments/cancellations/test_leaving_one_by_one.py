"""Who leave one by one get what they would have got together; what somebody still decides about, or the bank has given, is not given twice."""

from __future__ import annotations

from typing import Any

import pytest

from jklg import payments
from jklg.payments import cancellations, desk, suspense
from jklg.payments.desk import queries as requests
from jklg.sandbox.things import Dispute, Intent
from tests.payments.cancellations.test_giving_up import HALF, gives_up, preview, sent
from tests.payments.conftest import Street
from tests.payments.desk.test_refunds_by_staff import CHITRA, DEVI, sound, two_people_above
from tests.trade import TERMS

EACH = 2_499_900
NOTHING: dict[str, Any] = {"tiers": [{"days_before": 200, "percent": 100}]}


async def told(street: Street, kind: str = "money_left_behind") -> int:
    return int(await street.one("SELECT count(*) FROM anomalies WHERE kind = $1 AND resolved_at IS NULL", kind))


async def bank_takes(street: Street, transaction_id: Any, *, won: bool | None = False) -> None:
    """The payer's bank takes this payment back, and decides: for good, or not; None: it has not decided."""
    ref = await street.one("SELECT transaction_id FROM transactions WHERE id = $1", transaction_id)
    async with street.bank.bank.work() as work:
        work.dispute(work.get(Intent, ref))
    await street.deliver()
    await street.work()
    if won is not None:
        await bank_decides(street, won=won)


async def bank_decides(street: Street, *, won: bool) -> None:
    async with street.bank.bank.work() as work:
        (dispute,) = [each for each in work.all(Dispute) if each.status in ("needs_response", "under_review")]
        work.decide(dispute, won=won)
    await street.deliver()
    await street.work()


@pytest.mark.parametrize("leaving", [[None], [1, None], [1, 1, None], [1, 1, 1, None], [2, None]])
async def test_four_leave_and_get_half_of_it_however_they_leave(street: Street, leaving: list[int | None]) -> None:
    held = await street.asha_holds_under_terms(HALF, party={"adult": 4})
    await street.asha_pays(held.id)
    for number in leaving:
        await gives_up(street, held.id, leaving=number and {"adult": number})
    assert await sent(street) == 2 * EACH
    assert await street.kept(held.id) == {"travel_revenue": -2 * EACH, "gateway_clearing:sandbox": 2 * EACH}
    await sound(street)


async def test_a_deposit_that_does_not_come_back_is_not_kept_on_top_of_the_fees_for_those_who_left_before(
    street: Street,
) -> None:
    """A deposit of 40,000 of 100,000; half is kept of the first two who leave, which is more than that already."""
    terms = {**TERMS, "deposit": {"kind": "percent", "value": 40}, "tiers": HALF["tiers"], "keeps_deposit": True}
    held = await street.asha_holds_under_terms(terms, party={"adult": 4})
    await street.asha_pays(held.id, held.total_price)
    await gives_up(street, held.id, leaving={"adult": 3})
    last = await gives_up(street, held.id)
    assert last.given is not None and (last.given.worth, last.given.kept) == (EACH, EACH // 2)
    await sound(street)


async def test_what_waits_for_a_second_person_does_not_go_when_the_rest_is_given_up_and_goes_once(
    street: Street,
) -> None:
    two_people_above(street, 10)
    held = await street.asha_holds_under_terms(NOTHING, party={"adult": 2})
    await street.asha_pays(held.id)
    ben = await cancellations.cancel(street.house, held.id, leaving={"adult": 1}, kept=0, actor=CHITRA, by_staff=True)
    assert ben.asked is not None and ben.asked.status == "waiting"
    rest = await gives_up(street, held.id)
    assert rest.given is not None and (rest.given.refund, rest.given.kept) == (0, EACH)
    assert await sent(street) == 0, "her terms give her nothing, and nobody has agreed to the rest"
    await sound(street)
    await desk.approve(street.house, ben.asked.request.id, actor=DEVI)
    assert await sent(street) == EACH
    assert await street.kept(held.id) == {"travel_revenue": -EACH, "gateway_clearing:sandbox": EACH}
    await sound(street)


@pytest.mark.parametrize("by", [CHITRA, DEVI])
async def test_when_a_promised_part_is_refused_somebody_is_told_that_it_lies_with_us(street: Street, by: str) -> None:
    two_people_above(street, 10)
    held = await street.asha_holds_under_terms(NOTHING, party={"adult": 2})
    await street.asha_pays(held.id)
    ben = await cancellations.cancel(street.house, held.id, leaving={"adult": 1}, kept=0, actor=CHITRA, by_staff=True)
    assert ben.asked is not None
    await desk.refuse(street.house, ben.asked.request.id, actor=by)
    assert await told(street) == 1
    assert await street.one("SELECT detail ->> 'amount' FROM anomalies WHERE kind = 'money_left_behind'") == str(EACH)
    await sound(street)


async def test_a_kindness_that_is_refused_is_told_nobody(street: Street) -> None:
    two_people_above(street, 10)
    held = await street.asha_holds_under_terms(HALF)
    await street.asha_pays(held.id)
    async with street.db.transaction() as conn:
        assert await requests.list_waiting(conn, 1) == []
    asked = await desk.ask_refund(
        street.house, request_id=held.id, booking_id=held.id, amount=100_000, reason="rain", actor=CHITRA
    )
    await desk.refuse(street.house, asked.request.id, actor=DEVI)
    assert await told(street) == 0
    await sound(street)


async def test_who_has_her_deposit_from_her_bank_gets_no_more_than_the_terms_say_in_all(street: Street) -> None:
    held = await street.asha_holds_under_terms({**TERMS, "tiers": HALF["tiers"]})
    deposit = await street.asha_pays(held.id)
    await street.asha_pays(held.id)
    taken = await street.one("SELECT captured_amount FROM transactions WHERE id = $1", deposit)
    await bank_takes(street, deposit)
    foreseen = await preview(street, held.id)
    assert (foreseen.refund, foreseen.met) == (held.total_price // 2 - taken, taken)
    outcome = await gives_up(street, held.id, expected_refund=foreseen.refund)
    assert outcome.given == foreseen
    assert await sent(street) + taken == held.total_price // 2
    assert await street.balance("dispute_losses") == 0, "what we kept is our fee, and nothing is lost"
    assert await street.balance("travel_revenue") == -held.total_price // 2
    await sound(street)


async def test_late_money_that_the_bank_has_taken_for_good_lies_nowhere_once_somebody_has_said_so(
    street: Street,
) -> None:
    held = await street.asha_holds_under_terms({"tiers": [{"days_before": 0, "percent": 100}]})
    paid = await street.asha_pays(held.id)
    await bank_takes(street, paid, won=None)
    await gives_up(street, held.id)
    assert await told(street) == 1, "it cannot go back while the bank decides"
    with pytest.raises(Exception, match="disputed"):
        await suspense.meet_loss(street.house, held.id, actor=CHITRA)
    await bank_decides(street, won=False)
    assert await street.balance("dispute_losses") == held.total_price == -await street.balance("customer_deposits")
    assert await suspense.meet_loss(street.house, held.id, actor=CHITRA) == held.total_price
    assert await street.balance("dispute_losses") == 0 == await street.balance("customer_deposits")
    assert await told(street) == 0
    await sound(street)
    with pytest.raises(Exception, match="nothing_to_meet"):
        await suspense.meet_loss(street.house, held.id, actor=CHITRA)


async def test_what_has_met_a_loss_is_owed_when_the_bank_gives_it_to_us_after_all(street: Street) -> None:
    held = await street.asha_holds_under_terms({"tiers": [{"days_before": 0, "percent": 100}]})
    paid = await street.asha_pays(held.id)
    await bank_takes(street, paid, won=None)
    await gives_up(street, held.id)
    await bank_decides(street, won=False)
    await suspense.meet_loss(street.house, held.id, actor=CHITRA)
    async with street.bank.bank.work() as work:
        (dispute,) = work.all(Dispute)
        dispute.status = "needs_response"
        work.decide(dispute, won=True)
    await street.deliver()
    await payments.settle(street.house, paid, source="poll")
    assert await street.balance("refunds_owed") == -held.total_price
    assert await street.balance("dispute_losses") == 0
    assert await told(street) == 1
    await sound(street)
    await desk.ask_refund(
        street.house, request_id=held.id, booking_id=held.id, source="refunds_owed", reason="it is hers", actor=CHITRA
    )
    assert await sent(street) == held.total_price and await told(street) == 0
    await sound(street)
