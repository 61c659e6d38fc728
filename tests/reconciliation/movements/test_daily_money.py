"""The day after: what the bank lists is held against the books; fees and payouts are booked from it; what differs stands before Chitra."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import asyncpg
import pytest

from jklg import ledger, payments, reconciliation
from jklg.kit.errors import BadInput, Conflict, NotFound, Refusal, Unavailable
from jklg.kit.ids import uuid7
from jklg.payments.books import CHECKS
from jklg.payments.gateways.contract import GatewayUnknown
from jklg.payments.gateways.movements import Movement
from jklg.reconciliation import movements
from jklg.sandbox import account
from jklg.sandbox.things import Intent, Payout, Refund
from tests.backoffice.test_concerns import press
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.conftest import SECRET
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)

OPEN_ITEMS = "SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '') FROM anomalies WHERE resolved_at IS NULL"
CONCERN = "SELECT id FROM anomalies WHERE resolved_at IS NULL"


async def asha_paid(street: Street) -> str:
    """Everybody has heard of it. The bank's id of her payment."""
    street.bank.bank.fee_per_mille = 20
    held = await street.asha_holds()
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.deliver()
    await street.work()
    await reconciliation.list_money_due(street.house)  # sees the bank for the first time: its account is read tomorrow
    return started.transaction.ref or ""


async def the_next_morning(street: Street) -> int:
    """How many new concerns there are."""
    await street.later(hours=30)
    found = await reconciliation.list_money_due(street.house)
    await street.later(minutes=1)
    return found


async def paid_out(street: Street) -> Payout:
    async with street.bank.bank.work() as work:
        return account.pay_out(work, "INR")


async def held_there(street: Street) -> int:
    async with street.bank.bank.work() as work:
        return sum(page["available"] for page in work.balance().values())


async def proven(street: Street) -> None:
    await street.work()
    findings = await ledger.verify(street.db, (*CHECKS, *reconciliation.CHECKS), keys=[SECRET])
    assert findings.ok, findings.broken


async def test_the_fee_and_the_payout_of_a_day_are_booked_from_the_banks_list(street: Street) -> None:
    await asha_paid(street)
    price = await street.balance("gateway_clearing:sandbox")
    fee = price * 20 // 1000
    assert await reconciliation.list_money_due(street.house) == 0, "the first look is tomorrow's"
    payout = await paid_out(street)
    assert payout.amount == price - fee
    assert await the_next_morning(street) == 0
    assert await street.balance("gateway_fees") == fee
    assert await street.balance("bank_in_transit") == price - fee
    assert await street.balance("gateway_clearing:sandbox") == 0 == await held_there(street)
    line = "SELECT row(payout_ref, bank_ref, arrives_on IS NOT NULL)::text FROM gateway_movements WHERE kind = 'payout'"
    assert await street.one(line) == f"({payout.id},{payout.bank_ref},t)"
    assert await street.one("SELECT payout_ref FROM gateway_movements WHERE kind = 'capture'") == payout.id
    await proven(street)


async def test_a_line_that_is_listed_every_day_is_booked_once(street: Street) -> None:
    await asha_paid(street)
    await the_next_morning(street)
    booked = await street.one("SELECT count(*) FROM ledger_transactions")
    for _ in range(3):
        await the_next_morning(street)
        assert await movements.look_again(street.house, "sandbox")
    assert await street.one("SELECT count(*) FROM ledger_transactions") == booked
    await proven(street)


async def test_of_six_workers_one_reads_the_day(street: Street) -> None:
    await asha_paid(street)
    await reconciliation.list_money_due(street.house)
    await street.later(hours=30)
    calls = 0
    listing = street.house.gateways["sandbox"].balances  # type: ignore[attr-defined]

    async def counted() -> Any:
        nonlocal calls
        calls += 1
        return await listing()

    street.house.gateways["sandbox"].balances = counted  # type: ignore[attr-defined]
    await asyncio.gather(*(reconciliation.list_money_due(street.house) for _ in range(6)))
    assert calls == 1
    await proven(street)


async def test_a_payout_that_comes_back_is_with_the_bank_again(street: Street) -> None:
    await asha_paid(street)
    payout = await paid_out(street)
    await the_next_morning(street)
    async with street.bank.bank.work() as work:
        account.send_back(work, work.get(Payout, payout.id))
    await the_next_morning(street)
    assert await street.balance("bank_in_transit") == 0
    assert await street.balance("gateway_clearing:sandbox") == await held_there(street) == payout.amount
    assert await street.one(OPEN_ITEMS) == ""
    await proven(street)


@pytest.mark.parametrize("fault", ["error_before", "busy", "drop_after", "truncate"])
async def test_a_bank_that_does_not_tell_is_asked_again_in_ten_minutes(street: Street, fault: str) -> None:
    await asha_paid(street)
    await reconciliation.list_money_due(street.house)
    setattr(street.faults, fault, 1)
    await the_next_morning(street)
    assert await street.one("SELECT count(*) FROM gateway_movements") == 0
    await street.later(minutes=11)
    await reconciliation.list_money_due(street.house)
    assert await street.one("SELECT count(*) FROM gateway_movements") == 1


async def test_a_payment_that_nobody_told_of_is_found_by_its_line_and_booked(street: Street) -> None:
    await asha_paid(street)
    street.faults.lose_webhooks = 10**6
    held = await street.asha_holds(email="ben@example.org")
    started = await street.start(held.id)
    await street.pays(started.transaction.ref or "")
    await street.one("UPDATE transactions SET check_at = NULL RETURNING true")
    await reconciliation.list_money_due(street.house)
    assert await the_next_morning(street) == 0
    assert (await street.booking(held.id)).payment_status == "Paid"
    await proven(street)


async def test_a_refund_that_is_under_way_is_no_difference(street: Street) -> None:
    """Gateways take it from us at once; we book it when it has arrived."""
    ref = await asha_paid(street)
    street.faults.refund_pending, street.faults.later_seconds = 1, 10**6
    async with street.bank.bank.work() as work:
        made = work.refund(work.get(Intent, ref), 4_000, {})
        made.sent_at = made.created_at
        work.put(made)
    await street.deliver()
    await street.work()
    assert await street.one("SELECT state FROM refunds") == "pending"
    balances = street.house.gateways["sandbox"].balances  # type: ignore[attr-defined]

    async def without_it() -> dict[str, int]:
        return {"INR": (await balances())["INR"] - 4_000}

    street.house.gateways["sandbox"].balances = without_it  # type: ignore[attr-defined]
    assert await the_next_morning(street) == 0
    assert await street.one("SELECT kind FROM anomalies WHERE resolved_at IS NULL") == "refund_made_at_gateway"


async def differs(street: Street, change: int = 500) -> None:
    """The bank's list says another amount than it has told us."""
    ref = await asha_paid(street)
    await reconciliation.list_money_due(street.house)
    listing = street.house.gateways["sandbox"].list_movements  # type: ignore[attr-defined]

    async def otherwise(start: Any, end: Any) -> Any:
        async for each in listing(start, end):
            if each.attempt_ref == ref and change:
                yield Movement(
                    **{name: getattr(each, name) for name in each.__struct_fields__} | {"gross": each.gross + change}
                )
            else:
                yield each

    street.house.gateways["sandbox"].list_movements = otherwise  # type: ignore[attr-defined]


async def test_a_payment_that_differs_becomes_one_concern_and_stays_one(street: Street) -> None:
    await differs(street)
    assert await the_next_morning(street) >= 1
    assert (
        await street.one("SELECT (detail ->> 'difference')::bigint FROM anomalies WHERE kind = 'movements_differ'")
        == 500
    )
    assert await street.one(
        "SELECT booking_id IS NOT NULL AND transaction_id IS NOT NULL FROM anomalies WHERE kind = 'movements_differ'"
    )
    for _ in range(3):
        await the_next_morning(street)
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'movements_differ'") == 1


async def test_money_that_we_booked_and_the_bank_does_not_list_is_shown_once_and_explains_the_balance(
    street: Street,
) -> None:
    await asha_paid(street)
    gateway = street.house.gateways["sandbox"]

    async def nothing(start: Any, end: Any) -> Any:
        for each in ():
            yield each

    async def empty() -> dict[str, int]:
        return {}

    gateway.list_movements, gateway.balances = nothing, empty  # type: ignore[attr-defined]
    for _ in range(2):
        await the_next_morning(street)
    assert await street.one(OPEN_ITEMS) == "movements_differ", "one item, and not a second one for the balance"
    ours = await street.balance("gateway_clearing:sandbox")
    assert await street.one("SELECT (detail ->> 'difference')::bigint FROM anomalies") == -ours
    assert await street.one("SELECT explained_amount FROM gateway_balances") == -ours


async def test_a_gateway_that_tells_no_movements_cannot_be_read_again(street: Street) -> None:
    assert not await movements.look_again(street.house, "manual")


async def test_a_difference_younger_than_the_lists_delay_is_none(street: Street) -> None:
    await differs(street)
    street.house.gateways["sandbox"].listing_lag *= 40  # type: ignore[attr-defined]
    await the_next_morning(street)
    assert await street.one("SELECT count(*) FROM anomalies WHERE kind = 'movements_differ'") == 0


async def test_a_line_that_changes_its_amount_is_shown_and_not_booked_again(street: Street) -> None:
    await asha_paid(street)
    await the_next_morning(street)
    booked = await street.one("SELECT count(*) FROM ledger_transactions")
    async with street.bank.bank.work() as work:
        intent = work.all(Intent)[0]
        work.put(Intent(**{**{n: getattr(intent, n) for n in intent.__struct_fields__}, "fee": intent.fee + 7}))
    await the_next_morning(street)
    assert "movement_changed" in await street.one(OPEN_ITEMS)
    assert (
        await street.one("SELECT (detail ->> 'difference')::bigint FROM anomalies WHERE kind = 'movement_changed'")
        == -7
    )
    assert await street.one("SELECT count(*) FROM ledger_transactions") == booked


async def test_another_balance_than_ours_is_one_concern_and_goes_when_it_goes(street: Street) -> None:
    await asha_paid(street)
    gateway = street.house.gateways["sandbox"]
    true_balances = gateway.balances  # type: ignore[attr-defined]

    async def more() -> dict[str, int]:
        return {"INR": (await true_balances())["INR"] + 12_345}

    gateway.balances = more  # type: ignore[attr-defined]
    await the_next_morning(street)
    await the_next_morning(street)
    assert await street.one(OPEN_ITEMS) == "balance_differs"
    assert await street.one("SELECT (detail ->> 'difference')::bigint FROM anomalies") == 12_345
    gateway.balances = true_balances  # type: ignore[attr-defined]
    await the_next_morning(street)
    assert await street.one("SELECT resolved_by FROM anomalies") == "system"
    gateway.balances = more  # type: ignore[attr-defined]
    await the_next_morning(street)
    assert await street.one("SELECT count(*) FROM anomalies") == 2, "it came again, and is told again"


async def test_what_chitra_has_settled_stays_settled_until_it_is_another_difference(street: Street) -> None:
    from jklg import payments

    await differs(street)
    await the_next_morning(street)
    for concern in await _ids(street):
        await payments.settle_concern(street.db, concern, actor="staff:x", note="The bank has explained it.")
    await the_next_morning(street)
    assert await street.one(OPEN_ITEMS) == ""


async def _ids(street: Street) -> list[Any]:
    return list(await street.one("SELECT coalesce(array_agg(id), '{}') FROM anomalies WHERE resolved_at IS NULL"))


# -- adopting ----------------------------------------------------------------------------------------------------------


async def loose(street: Street, amount: int = 7_700) -> None:
    """Somebody tops up our account at the bank by hand."""
    await asha_paid(street)
    gateway = street.house.gateways["sandbox"]
    listing, balances, at = gateway.list_movements, gateway.balances, street.clock.now()  # type: ignore[attr-defined]

    async def and_a_top_up(start: Any, end: Any) -> Any:
        async for each in listing(start, end):
            yield each
        yield Movement(ref="tu_1", kind="other", gross=amount, fee=0, currency="INR", happened_at=at)

    async def more() -> dict[str, int]:
        return {"INR": (await balances())["INR"] + amount}

    gateway.list_movements, gateway.balances = and_a_top_up, more  # type: ignore[attr-defined]
    await reconciliation.list_money_due(street.house)
    await the_next_morning(street)


async def test_money_that_belongs_to_nothing_is_booked_when_a_person_says_what_it_was(street: Street) -> None:
    await loose(street)
    assert await street.one(OPEN_ITEMS) == "movement_unmatched", "and the balance is explained by it"
    (concern,) = await _ids(street)
    await movements.adopt(street.house, concern, shown="7700", note="A top-up of Chitra's", actor="staff:x")
    assert await street.balance("gateway_other") == -7_700
    assert await street.one("SELECT row(resolved_by, note)::text FROM anomalies") == '(staff:x,"A top-up of Chitra\'s")'
    assert (
        await street.one(
            "SELECT string_agg(action, ' ' ORDER BY id) FROM history WHERE subject_id = (SELECT id FROM anomalies)"
        )
        == "concern.adopted concern.settled"
    )
    await the_next_morning(street)
    assert await street.one(OPEN_ITEMS) == ""
    await proven(street)


async def test_pressed_by_six_at_once_it_is_booked_once(street: Street) -> None:
    await loose(street)
    (concern,) = await _ids(street)
    pressed = [movements.adopt(street.house, concern, shown="7700", note="mine", actor="staff:x") for _ in range(6)]
    answers = await asyncio.gather(*pressed, return_exceptions=True)
    assert [type(each) for each in answers if each is not None] == [Conflict] * 5
    assert await street.balance("gateway_other") == -7_700


async def test_a_balance_from_before_us_is_adopted_as_it_is(street: Street) -> None:
    await asha_paid(street)
    async with street.bank.bank.work() as work:
        before = work.open_intent(90_000, "INR", "", "", "", {})
        work.pay(before, "play_card")
        work.put(
            Intent(
                **{
                    **{n: getattr(before, n) for n in before.__struct_fields__},
                    "changed_at": before.changed_at.replace(year=2020),
                    "created_at": before.created_at.replace(year=2020),
                }
            )
        )
    await the_next_morning(street)
    assert (
        await street.one("SELECT (detail ->> 'difference')::bigint FROM anomalies WHERE kind = 'balance_differs'")
        == 90_000 * 98 // 100
    )
    concern = await street.one("SELECT id FROM anomalies WHERE kind = 'balance_differs'")
    await movements.adopt(street.house, concern, shown="88200", note="From before.", actor="staff:x")
    assert await street.balance("gateway_clearing:sandbox") == await held_there(street)
    await the_next_morning(street)
    assert "balance_differs" not in await street.one(OPEN_ITEMS)
    await proven(street)


async def a_strangers_payment(street: Street) -> str:
    """In suspense. The bank's id."""
    await asha_paid(street)
    street.bank.bank.fee_per_mille = 0
    async with street.bank.bank.work() as work:
        stranger = work.open_intent(5_000, "INR", "not ours", "x@example.org", "http://shop.test/", {})
        work.pay(stranger, "play_card")
    await street.deliver()
    await street.work()
    assert await street.balance("suspense:unapplied") == -5_000
    return stranger.id


async def test_a_strangers_payment_that_went_back_leaves_suspense_by_itself_though_nobody_tells(street: Street) -> None:
    ref = await a_strangers_payment(street)
    async with street.bank.bank.work() as work:
        work.refund(work.get(Intent, ref), 5_000, {})
    await the_next_morning(street)
    await the_next_morning(street)
    assert await street.balance("suspense:unapplied") == 0
    assert await street.balance("gateway_clearing:sandbox") == await held_there(street)
    assert await street.one(OPEN_ITEMS) == ""
    await proven(street)


async def test_what_a_bank_took_of_a_strangers_payment_leaves_suspense_when_it_is_adopted(street: Street) -> None:
    ref = await a_strangers_payment(street)
    async with street.bank.bank.work() as work:
        work.dispute(work.get(Intent, ref), 900)
    await the_next_morning(street)
    await the_next_morning(street)
    concern = await street.one("SELECT id FROM anomalies WHERE kind = 'movements_differ' AND resolved_at IS NULL")
    await movements.adopt(street.house, concern, shown="-915", note="Her bank took it", actor="staff:x")
    assert await street.balance("suspense:unapplied") == -4_085
    assert await street.balance("gateway_clearing:sandbox") == await held_there(street)
    await the_next_morning(street)
    assert await street.one(OPEN_ITEMS) == "unmatched_gateway_object"
    assert (
        await street.one("SELECT (detail ->> 'difference')::bigint FROM anomalies WHERE resolved_at IS NULL") == 4_085
    )
    await proven(street)


async def test_what_cannot_be_adopted_is_refused_in_this_order(street: Street) -> None:
    await loose(street)
    (concern,) = await _ids(street)

    async def refused(
        kind: type[Refusal], code: str, concern: Any = concern, shown: str = "7700", note: str = "x"
    ) -> None:
        with pytest.raises(kind) as refusal:
            await movements.adopt(street.house, concern, shown=shown, note=note, actor="staff:x")
        assert refusal.value.code == code

    await refused(BadInput, "note_missing", concern=uuid7(), note=" ")
    await refused(NotFound, "concern_not_found", concern=uuid7())
    street.faults.error_before = 1
    await refused(Unavailable, "gateway_silent")
    await refused(Conflict, "difference_changed", shown="7701")
    await movements.adopt(street.house, concern, shown="7700", note="x", actor="staff:x")
    await refused(Conflict, "concern_settled")
    assert await street.one("SELECT count(*) FROM ledger_transactions WHERE kind = 'difference_adopted'") == 1


async def test_what_differs_in_the_account_of_the_other_mode_is_not_booked(street: Street) -> None:
    """The test account was read for a day, by mistake: nobody can ask it any more whether the difference is still that one."""
    await loose(street)
    (concern,) = await _ids(street)
    street.house.gateways["sandbox"].livemode = True
    with pytest.raises(Unavailable, match="gateway_silent"):
        await movements.adopt(street.house, concern, shown="7700", note="x", actor="staff:x")
    assert await street.balance("gateway_other") == 0


async def test_a_difference_of_our_own_payment_is_never_booked_by_hand(street: Street) -> None:
    await differs(street)
    await the_next_morning(street)
    concern = await street.one("SELECT id FROM anomalies WHERE kind = 'movements_differ'")
    with pytest.raises(Conflict, match="not_adoptable"):
        await movements.adopt(street.house, concern, shown="500", note="x", actor="staff:x")


# -- Chitra's page -----------------------------------------------------------------------------------------------------


async def test_chitra_reads_the_account_again_and_books_what_she_knows(office: Office) -> None:
    await loose(office.street)
    await office.sign_in("Manager")
    (concern,) = await _ids(office.street)
    path = f"/staff/concerns/payments/{concern}"
    assert f'href="{path}"' in (await office.browser.get("/staff")).text
    text = await office.read(path)
    assert (
        "The gateway moved money that belongs to no payment of ours" in text
        and "Read the gateway's account again" in text
    )
    assert (await office.browser.post(f"{path}/look")).headers["location"] == f"{path}?said=looked"
    assert (await office.browser.post(f"{path}/adopt", data={"shown": "7700", "what": ""})).status_code == 422
    assert (await office.browser.post(f"{path}/adopt", data={"shown": "1", "what": "x"})).status_code == 409
    done = await office.browser.post(f"{path}/adopt", data={"shown": "7700", "what": "A top-up"})
    assert done.headers["location"] == f"{path}?said=adopted"
    assert "A top-up" in await office.read(path)
    assert await office.street.balance("gateway_other") == -7_700


async def test_who_may_only_look_books_nothing(office: Office) -> None:
    await loose(office.street)
    await office.sign_in("Support")
    (concern,) = await _ids(office.street)
    assert "Your role may look, and not act." in await office.read(f"/staff/concerns/payments/{concern}")
    for verb in ("look", "adopt"):
        assert (
            await office.browser.post(f"/staff/concerns/payments/{concern}/{verb}", data={"shown": "7700", "what": "x"})
        ).status_code == 403
    assert await office.street.balance("gateway_other") == 0


# -- the database's promises -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "sql"),
    [
        ("gateway_movements_once", "INSERT INTO gateway_movements SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid()))).* FROM gateway_movements m"),
        ("gateway_movements_add_up", "INSERT INTO gateway_movements SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'ref', 'x', 'net_amount', 0))).* FROM gateway_movements m"),
        ("gateway_movements_kind_known", "INSERT INTO gateway_movements SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'ref', 'x', 'kind', 'gift'))).* FROM gateway_movements m"),
        ("gateway_movements_frozen", "UPDATE gateway_movements SET gross_amount = gross_amount + 1, net_amount = net_amount + 1"),
        ("gateway_movements_frozen", "UPDATE gateway_movements SET transaction_id = NULL"),
    ],
)  # fmt: skip
async def test_what_a_gateway_listed_is_kept_as_it_was(street: Street, constraint: str, sql: str) -> None:
    await asha_paid(street)
    await the_next_morning(street)
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await street.one(sql)
    assert getattr(refusal.value, "constraint_name", None) == constraint


async def test_money_moves_in_whole_minor_units_and_arrives_on_a_day() -> None:
    line = Movement(
        ref="x", kind="payout", gross=-5, fee=0, currency="INR", happened_at=None, arrives_on=date(2026, 11, 26)
    )  # type: ignore[arg-type]
    assert movements.rules.postings("sandbox", line) == [
        ("payout", "INR", [("bank_in_transit", 5), ("gateway_clearing:sandbox", -5)])
    ]


def test_what_the_gateway_exchanged_balances_in_both_currencies() -> None:
    line = Movement(
        ref="x",
        kind="capture",
        gross=1_180,
        fee=40,
        currency="USD",
        happened_at=None,
        asked=100_000,
        asked_currency="INR",
    )  # type: ignore[arg-type]
    booked = {posting.kind: posting for posting in movements.rules.postings("stripe", line)}
    assert booked["exchanged_from"] == (
        "exchanged_from",
        "INR",
        [("exchange:stripe", 100_000), ("gateway_clearing:stripe", -100_000)],
    )
    assert booked["exchanged_to"] == (
        "exchanged_to",
        "USD",
        [("gateway_clearing:stripe", 1_180), ("exchange:stripe", -1_180)],
    )
    assert booked["gateway_fee"] == ("gateway_fee", "USD", [("gateway_fees", 40), ("gateway_clearing:stripe", -40)])


def test_an_exchange_that_is_told_in_two_lines_balances_in_each_currency() -> None:
    for gross, currency in ((-10_000, "USD"), (9_200, "EUR")):
        side = Movement(ref=currency, kind="exchange", gross=gross, fee=0, currency=currency, happened_at=None)  # type: ignore[arg-type]
        assert movements.rules.postings("paypal", side) == [
            ("exchanged", currency, [("gateway_clearing:paypal", gross), ("exchange:paypal", -gross)])
        ]


async def test_a_refund_made_there_is_compared_after_its_payment_was_listed(street: Street) -> None:
    """The list is newest first: the refund's line comes before the one that says whose it is."""
    ref = await asha_paid(street)
    async with street.bank.bank.work() as work:
        made = work.refund(work.get(Intent, ref), 4_000, {})
        assert isinstance(made, Refund)
    await street.deliver()
    await street.work()
    await the_next_morning(street)
    assert (
        await street.one("SELECT count(*) FROM gateway_movements WHERE transaction_id IS NULL AND kind <> 'payout'")
        == 0
    )
    assert await street.one(OPEN_ITEMS) == "refund_made_at_gateway"
    await proven(street)


async def missing(street: Street, monkeypatch: pytest.MonkeyPatch, amount: int) -> Callable[[int], None]:
    """The gateway holds so much less than it lists. How that becomes another amount."""
    gateway = street.house.gateways["sandbox"]
    true, taken = gateway.balances, [amount]  # type: ignore[attr-defined]

    async def less() -> dict[str, int]:
        return {"INR": (await true())["INR"] - taken[-1]}

    monkeypatch.setattr(gateway, "balances", less)
    await the_next_morning(street)
    return taken.append


async def test_a_difference_that_was_booked_and_comes_again_is_told_again(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asha_paid(street)
    take = await missing(street, monkeypatch, 1_500)
    november = await street.one(CONCERN)
    await movements.adopt(street.house, november, shown="-1500", note="The fee of November", actor="staff:x")
    assert await the_next_morning(street) == 0
    take(3_000)
    assert await the_next_morning(street) == 1
    assert await street.one(OPEN_ITEMS) == "balance_differs" and await street.one(CONCERN) != november


async def test_a_difference_settled_in_words_stays_settled_until_it_has_been_gone(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asha_paid(street)
    take = await missing(street, monkeypatch, 1_500)
    await payments.settle_concern(street.db, await street.one(CONCERN), note="The gateway mends it", actor="staff:x")
    assert await the_next_morning(street) == 0 and await street.one(OPEN_ITEMS) == ""
    take(0)
    assert await the_next_morning(street) == 0
    take(1_500)
    assert await the_next_morning(street) == 1 and await street.one(OPEN_ITEMS) == "balance_differs"


async def test_an_account_that_cannot_be_read_for_a_day_stands_before_a_person_until_it_can(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = office.street
    await asha_paid(street)
    gateway = street.house.gateways["sandbox"]

    async def strange(start: Any, end: Any) -> Any:
        raise GatewayUnknown("unreadable_amount", "a currency that we do not know")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "list_movements", strange)
        assert await the_next_morning(street) == 0
        assert await the_next_morning(street) == 1 and await the_next_morning(street) == 0
        assert await street.one(OPEN_ITEMS) == "account_unread"
        await office.sign_in("Manager")
        door = f"/staff/concerns/payments/{await street.one(CONCERN)}"
        assert "a currency that we do not know" in await office.read(door)
        assert (await press(office, f"{door}/look")).headers["location"].endswith("said=silent")
    assert (await press(office, f"{door}/look")).headers["location"].endswith("said=looked")
    assert await street.one(OPEN_ITEMS) == ""
