"""Our bank's statement comes in: payouts and transfers are booked to the bank, and every other line stands before Chitra, once."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from jklg import cli, ledger, reconciliation
from jklg.kit.db import claims
from jklg.kit.errors import BadInput, Conflict, NotFound, Refusal
from jklg.kit.ids import uuid7
from jklg.payments import desk
from jklg.payments.books import CHECKS
from jklg.reconciliation import movements, statements
from tests.backoffice.test_today import Office, office  # noqa: F401  (a fixture)
from tests.conftest import SECRET
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.reconciliation.movements.test_daily_money import asha_paid, paid_out, the_next_morning
from tests.reconciliation.statements.files import Entry, camt, rows, together

OPEN_ITEMS = "SELECT coalesce(string_agg(kind, ' ' ORDER BY kind), '') FROM anomalies WHERE resolved_at IS NULL"
LINES = "SELECT coalesce(string_agg(state, ' ' ORDER BY booked_on, id), '') FROM bank_lines"


def rupees(paise: int) -> str:
    return str(Decimal(paise).scaleb(-2))


async def proven(street: Street) -> None:
    await street.work()
    findings = await ledger.verify(street.db, (*CHECKS, *reconciliation.CHECKS), keys=[SECRET])
    assert findings.ok, findings.broken


async def day_of(street: Street, after: int = 0) -> str:
    return (street.clock.now() + timedelta(days=after)).date().isoformat()


async def statement(street: Street, *entries: Entry, **more: Any) -> bytes:
    """A camt.053 of these days that adds up."""
    closing = 1000 + sum(Decimal(each[0]) for each in entries)
    days = {"days": (await day_of(street, -5), await day_of(street, 5))}
    return camt(entries, closing=str(closing), **(days | more))


async def imported(street: Street, data: bytes, **more: Any) -> statements.Result:
    return await statements.import_file(street.db, data, file_name="november.xml", actor="staff:x", **more)


async def on_its_way(street: Street) -> tuple[int, str, UUID]:
    """A payout that the bank has listed: what it pays in paise, what our bank will write, and the line's id."""
    await asha_paid(street)
    await reconciliation.list_money_due(street.house)
    payout = await paid_out(street)
    await the_next_morning(street)
    return payout.amount, payout.bank_ref, await street.one("SELECT id FROM gateway_movements WHERE kind = 'payout'")


async def transferred(street: Street, method: str = "bank_transfer", seats: int = 2) -> tuple[int, str, UUID]:
    """A transfer, or cash, that Chitra has written down: paise, the booking's reference, what it is in the books."""
    held = await street.asha_holds(party={"adult": seats})
    payment_id = uuid7()
    await desk.record_payment(
        street.house, payment_id=payment_id, booking_id=held.id, amount=held.total_price, method=method, note="", actor="staff:x",
    )  # fmt: skip
    return held.total_price, held.reference, await posting_of(street, str(payment_id))


async def posting_of(street: Street, source: str) -> UUID:
    """What a payment or a refund by hand is in the books."""
    found: UUID = await street.one(
        "SELECT l.id FROM ledger_transactions l JOIN ledger_entries e ON e.transaction_id = l.id AND e.account = 'gateway_clearing:manual' "
        "WHERE starts_with(l.source_id, $1)",
        source,
    )
    return found


async def given_back(street: Street, reference: str, amount: int) -> UUID:
    """Chitra gives a part back by hand, and writes it down. What it is in the books."""
    booking_id = await street.one("SELECT id FROM bookings WHERE reference = $1", reference)
    asked = await desk.ask_refund(
        street.house, request_id=uuid7(), booking_id=booking_id, amount=amount, reason="goodwill", actor="staff:x"
    )
    await desk.paid_out(street.house, asked.refund_ids[0], actor="staff:x")
    return await posting_of(street, str(asked.refund_ids[0]))


async def test_a_payout_that_arrives_is_booked_from_the_way_to_the_bank(street: Street) -> None:
    amount, reference, _ = await on_its_way(street)
    told = await imported(
        street, await statement(street, (rupees(amount), await day_of(street), f"SANDBOX {reference}", ""))
    )
    assert told == (1, 1, 0, 1)
    assert await street.balance("bank") == amount
    assert await street.balance("bank_in_transit") == 0
    assert await street.one(OPEN_ITEMS) == ""
    assert await street.one("SELECT settled_by FROM bank_lines") == "system"
    await proven(street)


async def test_a_transfer_that_was_written_down_is_booked_when_the_bank_has_it(street: Street) -> None:
    amount, reference, _ = await transferred(street)
    await imported(
        street, await statement(street, (rupees(amount), await day_of(street, 1), f"trip {reference.lower()}", ""))
    )
    assert await street.balance("bank") == amount
    assert await street.balance("gateway_clearing:manual") == 0
    await proven(street)


async def test_a_transfer_that_went_back_is_not_booked_as_one_that_came(street: Street) -> None:
    amount, reference, _ = await transferred(street)
    line = f"{await day_of(street, 1)},NEFT RETURNED {reference},{rupees(amount)}"
    gone = rows("Date,Narration,Amount,Dr/Cr", f"{line},DR")
    assert await imported(street, gone, account="main", currency="INR") == (1, 1, 0, 0)
    assert await street.balance("bank") == 0
    assert await street.one("SELECT amount FROM bank_lines") == -amount
    await proven(street)


async def test_the_same_statement_twice_adds_nothing(street: Street) -> None:
    amount, reference, _ = await on_its_way(street)
    data = await statement(
        street, (rupees(amount), await day_of(street), reference, ""), ("-5.00", await day_of(street), "FEE", "")
    )
    assert await imported(street, data) == (1, 2, 0, 1)
    for _ in range(2):
        assert await imported(street, data) == (1, 0, 2, 0)
    assert await street.one("SELECT count(*) FROM bank_statements") == 1
    assert await street.balance("bank") == amount
    assert await street.one("SELECT count(*) FROM anomalies") == 1
    await proven(street)


async def test_by_six_people_at_once_it_is_imported_once(street: Street) -> None:
    amount, reference, _ = await on_its_way(street)
    data = await statement(street, (rupees(amount), await day_of(street), reference, ""))
    told = await asyncio.gather(*(imported(street, data) for _ in range(6)))
    assert sorted(each.new for each in told) == [0, 0, 0, 0, 0, 1]
    assert await street.balance("bank") == amount
    await proven(street)


async def test_a_statement_that_overlaps_another_adds_only_what_is_new(street: Street) -> None:
    coffee: Entry = ("-3.50", await day_of(street, -1), "COFFEE", "")
    first = await statement(street, coffee, coffee, ref="1")
    second = await statement(street, coffee, coffee, coffee, ("-9.00", await day_of(street), "TEA", ""), ref="2")
    assert (await imported(street, first)).new == 2
    assert await imported(street, second) == (1, 2, 2, 0)
    assert await street.one("SELECT count(*) FROM bank_lines") == 4
    assert await street.one(OPEN_ITEMS) == " ".join(["bank_line"] * 4), "one visible item each"


async def part(street: Street, opening: int, *entries: Entry, ref: str = "") -> bytes:
    """A part of today's statement that begins at this balance, in rupees. Without `ref` each has an id of its own."""
    closing = opening + sum(Decimal(each[0]) for each in entries)
    day = await day_of(street)
    ref = ref or f"{opening}-{closing}"
    return camt(entries, opening=str(opening), closing=str(closing), ref=ref, days=(day, day))


async def test_a_statement_that_its_bank_has_cut_in_two_under_one_id_is_both(street: Street) -> None:
    day = await day_of(street)
    data = together(
        await part(street, 1000, ("50.00", day, "TEA", ""), ref="x"),
        await part(street, 1050, ("70.00", day, "RICE", ""), ref="x"),
    )
    assert await imported(street, data) == (2, 2, 0, 0)
    assert await imported(street, data) == (2, 0, 2, 0)
    assert await street.one("SELECT string_agg(part::text, ' ' ORDER BY part) FROM bank_statements") == "1 2"


async def test_two_statements_of_one_day_keep_a_line_each_though_they_say_the_same(street: Street) -> None:
    """Since the last time, as banks call it: the second goes on where the first ends. Then the whole day, and each once more."""
    day = await day_of(street)
    upi: Entry = ("50.00", day, "UPI", "")
    first, second = await part(street, 1000, upi), await part(street, 1050, upi, ("20.00", day, "TEA", ""))
    assert [(await imported(street, each)).new for each in (first, second)] == [1, 2]
    whole = await part(street, 1000, upi, upi, ("20.00", day, "TEA", ""), upi)
    assert await imported(street, whole) == (1, 1, 3, 0)
    again = [each.replace(b"<MsgId>1", b"<MsgId>2") for each in (first, second, whole)]
    assert [(await imported(street, each)).new for each in again] == [0, 0, 0]
    assert await street.one("SELECT count(*) FROM bank_lines") == 4


async def test_a_statement_that_may_be_new_or_known_is_refused_whole(street: Street) -> None:
    """Asha's money comes, goes back and comes again, in the same words."""
    day = await day_of(street)
    came, went = ("50.00", day, "ASHA RAO", ""), ("-50.00", day, "ASHA RAO", "")
    csv = rows("Date,Description,Amount,Balance", f"{day},ASHA RAO,50.00,1050.00", f"{day},ASHA RAO,-50.00,1000.00")
    assert (await imported(street, await part(street, 1000, came, went))).new == 2
    with pytest.raises(Conflict, match="statement_overlap_unclear"):
        await imported(street, await part(street, 1000, came))
    assert await street.one("SELECT count(*) FROM bank_lines") == 2
    for new in (2, 0):
        assert (await imported(street, csv, account="main", currency="INR")).new == new, "this very file is known"


async def test_the_same_days_in_another_format_are_refused_whole(street: Street) -> None:
    await imported(street, await statement(street, ("-3.50", await day_of(street), "COFFEE", "")))
    iban = "DE02120300000000202051"
    data = rows("Date,Description,Amount", f"{await day_of(street)},COFFEE AT 9,-3.50")
    with pytest.raises(Conflict, match="statement_formats_mixed"):
        await imported(street, data, account=iban, currency="INR")
    assert await street.one("SELECT count(*) FROM bank_lines") == 1
    assert (await imported(street, data, account="another", currency="INR")).new == 1


async def test_an_account_does_not_change_its_currency(street: Street) -> None:
    await imported(street, await statement(street))
    with pytest.raises(Conflict, match="statement_currency_changed"):
        await imported(street, await statement(street, currency="USD", ref="2"))


async def test_a_refused_file_leaves_nothing(street: Street) -> None:
    good = await statement(street, ("-3.50", await day_of(street), "COFFEE", ""), iban="IBAN1")
    bad = camt([("5.00", await day_of(street), "", "")], closing="1.00", iban="IBAN2")
    with pytest.raises(BadInput, match="statement_does_not_add_up"):
        await imported(street, together(good, bad))
    assert await street.one("SELECT count(*) FROM bank_statements") == 0


async def test_a_payout_that_is_listed_after_its_line_is_matched_the_next_morning(street: Street) -> None:
    await asha_paid(street)
    await reconciliation.list_money_due(street.house)
    payout = await paid_out(street)
    told = await imported(
        street, await statement(street, (rupees(payout.amount), await day_of(street, 2), payout.bank_ref, ""))
    )
    assert told.matched == 0 and await street.one(OPEN_ITEMS) == "bank_line"
    await the_next_morning(street)
    assert await street.balance("bank") == payout.amount
    assert await street.one(OPEN_ITEMS) == "", "it has settled itself"
    await proven(street)


async def test_two_transfers_of_one_sum_are_not_guessed_between(street: Street) -> None:
    amount, _, first = await transferred(street)
    await transferred(street)
    await imported(street, await statement(street, (rupees(amount), await day_of(street), "THANK YOU", "")))
    assert await street.one(LINES) == "open"
    line_id = await street.one("SELECT id FROM bank_lines")
    async with street.db.transaction() as conn:
        line = await statements.get_line(conn, line_id)
        assert line is not None
        offered = await statements.choices(conn, line)
    assert len(offered.by_hand) == 2 and not offered.payouts
    for _ in range(2):
        await statements.match(street.db, line_id, [first], actor="staff:x")
    assert await street.balance("bank") == amount
    assert (
        await street.one("SELECT string_agg(actor, ' ') FROM history WHERE action = 'bank.transfer_arrived'")
        == "staff:x"
    )
    assert await street.one(OPEN_ITEMS) == ""
    await proven(street)


async def test_a_payout_that_never_arrives_is_shown_when_the_statements_have_gone_on(street: Street) -> None:
    amount, reference, _ = await on_its_way(street)
    await imported(street, await statement(street, days=(await day_of(street, -5), await day_of(street, 9)), ref="1"))
    assert await street.one(OPEN_ITEMS) == "", "it may be late"
    await imported(street, await statement(street, days=(await day_of(street, 10), await day_of(street, 20)), ref="2"))
    assert await street.one(OPEN_ITEMS) == "payout_missing"
    late = ((rupees(amount), await day_of(street, 21), reference, ""),)
    await imported(
        street, await statement(street, *late, days=(await day_of(street, 21), await day_of(street, 22)), ref="3")
    )
    assert await street.one(OPEN_ITEMS) == "bank_line payout_missing", "so late that a person has to say so"
    line_id = await street.one("SELECT id FROM bank_lines")
    await statements.match(
        street.db,
        line_id,
        [await street.one("SELECT id FROM gateway_movements WHERE kind = 'payout'")],
        actor="staff:x",
    )
    assert await street.one(OPEN_ITEMS) == ""
    await proven(street)


async def test_what_is_not_ours_is_written_down_and_books_nothing(street: Street) -> None:
    await imported(street, await statement(street, ("-300.00", await day_of(street), "RENT", "")))
    line_id = await street.one("SELECT id FROM bank_lines")
    await statements.not_ours(street.db, line_id, note="Rent of November", actor="staff:x")
    assert (
        await street.one("SELECT row(state, note, settled_by)::text FROM bank_lines")
        == '(not_ours,"Rent of November",staff:x)'
    )
    assert await street.one("SELECT count(*) FROM ledger_transactions") == 0
    assert await street.one(OPEN_ITEMS) == ""


async def test_a_line_is_settled_once_by_whoever_is_first(street: Street) -> None:
    amount, _, movement_id = await on_its_way(street)
    entry: Entry = (rupees(amount), await day_of(street), "no reference", "")
    await imported(street, await statement(street, entry, entry))
    first, second = await street.one("SELECT array_agg(id ORDER BY id) FROM bank_lines")
    answers = await asyncio.gather(
        statements.match(street.db, first, [movement_id], actor="staff:x"),
        statements.not_ours(street.db, first, note="mine", actor="staff:y"),
        statements.match(street.db, second, [movement_id], actor="staff:z"),
        return_exceptions=True,
    )
    refusals = [each for each in answers if each is not None]
    assert refusals and all(isinstance(each, Refusal) for each in refusals), answers
    assert await street.balance("bank") == amount
    await proven(street)


async def test_six_who_match_at_once_book_a_line_once(street: Street) -> None:
    await asha_paid(street)
    payout = await paid_out(street)
    await imported(
        street, await statement(street, (rupees(payout.amount), await day_of(street, 2), payout.bank_ref, ""))
    )
    await street.later(hours=30)
    gateway = street.house.gateways["sandbox"]
    async for each in gateway.list_movements(street.clock.now() - timedelta(days=3), street.clock.now()):  # type: ignore[attr-defined]
        await movements.actions._keep(street.house, gateway, each)
    assert sorted(await asyncio.gather(*(statements.match_due(street.db) for _ in range(6)))) == [0, 0, 0, 0, 0, 1]
    assert await street.balance("bank") == payout.amount


async def test_a_match_that_cannot_be_is_refused_in_this_order(street: Street) -> None:
    amount, reference, movement_id = await on_its_way(street)
    await imported(
        street,
        await statement(
            street, ("1.00", await day_of(street), "x", ""), (rupees(amount), await day_of(street), reference, "")
        ),
    )
    small = await street.one("SELECT id FROM bank_lines WHERE amount = 100")
    matched = await street.one("SELECT id FROM bank_lines WHERE state = 'payout'")

    async def refused(kind: type[Refusal], code: str, line: UUID, other: UUID) -> None:
        with pytest.raises(kind) as refusal:
            await statements.match(street.db, line, [other], actor="staff:x")
        assert refusal.value.code == code

    await refused(NotFound, "bank_line_not_found", uuid7(), movement_id)
    await refused(Conflict, "bank_line_settled", matched, uuid7())
    await refused(NotFound, "match_not_found", small, movement_id)
    _, _, transfer = await transferred(street)
    await refused(Conflict, "amounts_differ", small, transfer)
    with pytest.raises(BadInput, match="parts_missing"):
        await statements.match(street.db, uuid7(), [], actor="staff:x")
    with pytest.raises(BadInput, match="note_missing"):
        await statements.not_ours(street.db, uuid7(), note=" ", actor="staff:x")
    with pytest.raises(Conflict, match="bank_line_settled"):
        await statements.not_ours(street.db, matched, note="x", actor="staff:x")


# -- money by hand: given back, and banked -----------------------------------------------------------------------------


async def test_money_given_back_by_transfer_is_booked_when_the_bank_has_sent_it(street: Street) -> None:
    amount, reference, _ = await transferred(street)
    await given_back(street, reference, 125_050)
    day = await day_of(street, 1)
    told = await imported(
        street,
        await statement(street, (rupees(amount), day, reference, ""), ("-1250.50", day, f"REFUND {reference}", "")),
    )
    assert told.matched == 2
    assert await street.balance("bank") == amount - 125_050
    assert await street.balance("gateway_clearing:manual") == 0
    assert await street.one(OPEN_ITEMS) == ""
    await proven(street)


async def test_money_given_back_that_the_bank_does_not_name_is_offered_to_a_person(street: Street) -> None:
    amount, reference, receipt = await transferred(street)
    first, second = await given_back(street, reference, 5_000), await given_back(street, reference, 5_000)
    await imported(street, await statement(street, ("-50.00", await day_of(street), "ASHA RAO", "")))
    line_id = await street.one("SELECT id FROM bank_lines")
    async with street.db.transaction() as conn:
        line = await statements.get_line(conn, line_id)
        assert line is not None and line.state == "open"
        offered = await statements.choices(conn, line)
    assert {each.id for each in offered.by_hand} == {first, second} and {each.id for each in offered.parts} == {
        first,
        second,
        receipt,
    }
    await statements.match(street.db, line_id, [second], actor="staff:x")
    assert await street.balance("bank") == -5_000
    assert await street.balance("gateway_clearing:manual") == amount - 5_000
    await proven(street)


async def test_cash_that_was_banked_is_the_receipts_that_she_ticks(street: Street) -> None:
    """Three receipts, and one of them was given back in cash before she went to the bank."""
    taken = [await transferred(street, "cash", seats) for seats in (2, 3, 1)]
    back = await given_back(street, taken[0][1], 30_000)
    banked = taken[0][0] + taken[1][0] - 30_000
    day = await day_of(street)
    await imported(
        street,
        await statement(street, (rupees(banked), day, "CASH DEPOSIT", ""), (rupees(taken[2][0]), day, taken[2][1], "")),
    )
    assert await street.one(LINES) == "open open", "cash is not a transfer, whatever the bank writes"
    line_id = await street.one("SELECT id FROM bank_lines WHERE description = 'CASH DEPOSIT'")
    ids = [taken[0][2], taken[1][2], back]
    for wrong in ([*ids, taken[2][2]], ids[:2], [taken[0][2]]):
        with pytest.raises(Conflict, match="amounts_differ"):
            await statements.match(street.db, line_id, wrong, actor="staff:x")
    for _ in range(2):
        await statements.match(street.db, line_id, ids, actor="staff:x")
    with pytest.raises(Conflict, match="bank_line_settled"):
        await statements.match(street.db, line_id, ids[:2], actor="staff:x")
    assert await street.balance("bank") == banked
    assert await street.balance("gateway_clearing:manual") == taken[2][0]
    assert await street.one(OPEN_ITEMS) == "bank_line"
    await proven(street)


async def test_one_transfer_for_two_bookings_is_both(street: Street) -> None:
    (first, _, one), (second, _, other) = await transferred(street), await transferred(street, seats=1)
    await imported(street, await statement(street, (rupees(first + second), await day_of(street), "TWO TRIPS", "")))
    await statements.match(street.db, await street.one("SELECT id FROM bank_lines"), [one, other], actor="staff:x")
    assert await street.balance("bank") == first + second
    assert await street.balance("gateway_clearing:manual") == 0
    await proven(street)


async def test_what_is_ticked_for_two_lines_at_once_is_banked_once(street: Street) -> None:
    (first, _, one), (second, _, other) = await transferred(street, "cash"), await transferred(street, "cash")
    entry: Entry = (rupees(first + second), await day_of(street), "CASH DEPOSIT", "")
    await imported(street, await statement(street, entry, entry))
    lines = await street.one("SELECT array_agg(id ORDER BY id) FROM bank_lines")
    answers = await asyncio.gather(
        *(statements.match(street.db, line, [one, other], actor="staff:x") for line in (*lines, *lines)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, NotFound) for each in answers) == 2, "the other line"
    assert sum(each is None for each in answers) == 2, "the same again is the same"
    assert await street.balance("bank") == first + second
    await proven(street)


async def test_she_ticks_receipts_in_pages_and_what_does_not_add_up_is_told(office: Office) -> None:
    street = office.street
    await office.sign_in("Manager")
    (first, reference, one), (second, _, other) = (
        await transferred(street, "cash"),
        await transferred(street, "cash", 3),
    )
    await upload(
        office,
        rows("Date,Description,Amount", f"{await day_of(street)},CASH,{rupees(first + second)}"),
        account="main",
        currency="INR",
    )
    path = f"/staff/bank/lines/{await street.one('SELECT id FROM bank_lines')}"
    text = await office.read(path)
    assert "Or it is several together" in text and reference in text and "Cash" in text
    assert (await office.browser.post(f"{path}/match", data={})).status_code == 422
    wrong = await office.browser.post(f"{path}/match", data={f"part.{one}": "1"})
    assert wrong.status_code == 409 and f"this makes INR {first / 100:,.2f}" in wrong.text
    assert f'name="part.{one}" value="1" checked' in wrong.text and f'name="part.{other}" value="1" >' in wrong.text
    done = await office.browser.post(f"{path}/match", data={f"part.{one}": "1", f"part.{other}": "1"})
    assert done.headers["location"] == "/staff/bank?said=matched"
    settled = await office.read(path)
    assert "Money by hand" in settled and reference in settled
    assert (
        await street.one("SELECT count(*) FROM history WHERE action = 'bank.transfer_arrived' AND actor LIKE 'staff:%'")
        == 1
    )
    assert (await office.browser.post(f"{path}/match", data={"part.x": "1"})).status_code == 404
    await proven(street)


# -- the command and Chitra's page -----------------------------------------------------------------------------------------


async def test_the_command_imports_a_file_and_says_what_it_brought(
    street: Street, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "november.csv"
    file.write_bytes(rows("Date;Description;Amount", "24/11/2026;RENT;-300,00", "25/11/2026;TEA;-3,00"))
    monkeypatch.setenv("DATABASE_URL", street.house.settings.database_url)
    monkeypatch.setenv("JWT_SECRET", "kJ8d2mQ0xZ4vT7bN1cR6yW3fL9hG5sPa")
    asked = ["bank", "import", str(file), "--account", "main", "--currency", "inr"]
    assert await asyncio.to_thread(cli.main, asked) == 0
    assert "2 new lines, 0 known before; 0 matched" in capsys.readouterr().out
    assert await asyncio.to_thread(cli.main, asked) == 0
    assert "0 new lines, 2 known before" in capsys.readouterr().out
    file.write_bytes(rows("Date;Description;Amount", "04/11/2026;RENT;-300,00"))
    assert await asyncio.to_thread(cli.main, asked) == 1
    assert "can be read in two ways" in capsys.readouterr().err
    assert await asyncio.to_thread(cli.main, [*asked, "--dates", "dmy", "--decimal", "comma"]) == 0
    assert await street.one("SELECT count(*) FROM bank_lines WHERE booked_on = '2026-11-04'") == 1


async def upload(office: Office, data: bytes, **fields: str) -> Any:
    files = {"file": ("november.csv", data, "text/csv")}
    return await office.browser.post("/staff/bank/import", files=files, data=fields)


@pytest.mark.parametrize("charset", ["nonsense", "base64", "undefined"])
async def test_a_statement_in_a_form_that_cannot_be_read_is_asked_for_again(office: Office, charset: str) -> None:
    await office.sign_in("Manager")
    account = (None, "main", f"text/plain; charset={charset}")
    files = {"account": account, "file": ("november.csv", b"Date,Description,Amount", "text/csv")}
    answer = await office.browser.post("/staff/bank/import", files=files)
    assert answer.status_code == 422 and "choose the file" in answer.text


async def test_chitra_imports_a_statement_and_matches_what_the_house_could_not(office: Office) -> None:
    street = office.street
    amount, _, _ = await on_its_way(street)
    await office.sign_in("Manager")
    text = await office.read("/staff/bank")
    assert "On the way to the bank" in text and "Held by gateways" in text
    day = await day_of(street)
    data = rows("Date,Description,Amount", f"{day},UNKNOWN,{rupees(amount)}", f"{day},RENT,-300.00")
    answer = await upload(office, data, account="main", currency="INR")
    assert answer.headers["location"] == "/staff/bank?said=imported"
    assert (await upload(office, data, account="main", currency="INR")).headers["location"] == "/staff/bank?said=known"
    page = (await office.browser.get("/staff/bank")).text
    assert len(set(re.findall(r"/staff/bank/lines/[0-9a-f-]+", page))) == 2
    line = await street.one("SELECT id FROM bank_lines WHERE amount > 0")
    assert 'href="/staff/bank">Nobody knows what this line' in (await office.browser.get("/staff")).text
    text = await office.read(f"/staff/bank/lines/{line}")
    assert "Payout of Play bank" in text
    to = re.findall(r'name="(part.[^"]+)"', (await office.browser.get(f"/staff/bank/lines/{line}")).text)[0]
    done = await office.browser.post(f"/staff/bank/lines/{line}/match", data={to: "1"})
    assert done.headers["location"] == "/staff/bank?said=matched"
    assert await street.balance("bank") == amount
    rent = await street.one("SELECT id FROM bank_lines WHERE amount < 0")
    assert (await office.browser.post(f"/staff/bank/lines/{rent}/not-ours", data={"note": ""})).status_code == 422
    done = await office.browser.post(f"/staff/bank/lines/{rent}/not-ours", data={"note": "Rent"})
    assert done.headers["location"] == "/staff/bank?said=not_ours"
    assert "Rent" in await office.read(f"/staff/bank/lines/{rent}")
    assert (await office.browser.post(f"/staff/bank/lines/{rent}/match", data={to: "1"})).status_code == 409
    assert (await office.browser.post("/staff/bank/match")).headers["location"] == "/staff/bank?said=none"
    assert await street.one("SELECT count(*) FROM history WHERE actor LIKE 'staff:%' AND action LIKE 'bank.%'") == 3
    await proven(street)


async def test_the_concern_of_a_line_leads_to_it(office: Office) -> None:
    street = office.street
    await office.sign_in("Manager")
    await upload(office, rows("Date,Amount", f"{await day_of(street)},-300.00"), account="main", currency="INR")
    concern = await street.one("SELECT id FROM anomalies")
    page = (await office.browser.get(f"/staff/concerns/payments/{concern}")).text
    assert f'href="/staff/bank/lines/{await street.one("SELECT id FROM bank_lines")}"' in page


async def test_what_cannot_be_read_is_said_beside_the_field_that_helps(office: Office) -> None:
    await office.sign_in("Manager")
    answer = await office.browser.post("/staff/bank/import", data={"account": "main"})
    assert answer.status_code == 422 and "choose the file" in answer.text
    two_ways = rows("Date,Amount", "03/04/2026,-5.00")
    answer = await upload(office, two_ways, account="main", currency="INR")
    assert (
        answer.status_code == 422
        and "whether the day or the month comes first" in answer.text
        and 'value="main"' in answer.text
    )
    answer = await upload(office, two_ways, account="main", currency="INR", dates="dmy")
    assert answer.headers["location"] == "/staff/bank?said=imported"
    assert (await upload(office, b"<a><b></a>")).status_code == 422
    never = camt([], opening="1.00", closing="1.00", days=("9999-12-31", "9999-12-31")).replace(b"OPBD", b"PRCD")
    answer = await upload(office, never)
    assert answer.status_code == 422 and "A date of this file cannot be read." in answer.text


async def test_who_may_only_look_imports_and_matches_nothing(office: Office) -> None:
    await imported(office.street, await statement(office.street, ("-3.50", await day_of(office.street), "COFFEE", "")))
    await office.sign_in("Support")
    line = await office.street.one("SELECT id FROM bank_lines")
    assert "Import a statement" not in await office.read("/staff/bank")
    assert "Your role may look, and not act." in await office.read(f"/staff/bank/lines/{line}")
    assert (await upload(office, b"x")).status_code == 403
    for path in ("match", f"lines/{line}/match", f"lines/{line}/not-ours"):
        assert (
            await office.browser.post(f"/staff/bank/{path}", data={f"part.{line}": "1", "note": "x"})
        ).status_code == 403
    assert await office.street.one(LINES) == "open"


async def test_a_guide_sees_no_money_and_a_stranger_is_sent_to_sign_in(office: Office) -> None:
    assert (await office.browser.get("/staff/bank")).headers["location"].startswith("/staff/sign-in")
    await office.sign_in("Guide")
    assert (await office.browser.get("/staff/bank")).status_code == 403
    assert (await office.browser.get(f"/staff/bank/lines/{uuid7()}")).status_code == 403


# -- the database's promises -------------------------------------------------------------------------------------------


PART = "INSERT INTO bank_line_parts (line_id, posting_id, amount) SELECT {}, {}, {}"
FREE = "(SELECT id FROM ledger_transactions WHERE kind = 'payout')"
COPY = "INSERT INTO bank_lines SELECT (jsonb_populate_record(l, jsonb_build_object('id', gen_random_uuid(){}))).* FROM bank_lines l LIMIT 1"


@pytest.mark.parametrize(
    ("constraint", "sql"),
    [
        ("bank_statements_once", "INSERT INTO bank_statements SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid()))).* FROM bank_statements s"),
        ("bank_statements_run_forward", "INSERT INTO bank_statements SELECT (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(), 'statement_ref', 'x', 'to_on', '2020-01-01'))).* FROM bank_statements s"),
        ("bank_lines_once", COPY.format("")),
        ("bank_lines_not_zero", COPY.format(", 'once_key', 'x', 'amount', 0")),
        ("bank_lines_settled_by_somebody", COPY.format(", 'once_key', 'x', 'state', 'not_ours'")),
        ("bank_lines_settled_by_somebody", COPY.format(", 'once_key', 'x', 'settled_by', 'staff:x'")),
        ("bank_lines_are_what_they_say", "UPDATE bank_lines SET state = 'payout', settled_by = 'x', settled_at = house_now() WHERE state = 'open'"),
        ("bank_lines_are_their_parts", "UPDATE bank_lines SET state = 'transfer', settled_by = 'x', settled_at = house_now() WHERE state = 'open'"),
        ("bank_lines_are_their_parts", PART.format("(SELECT id FROM bank_lines WHERE state = 'open')", FREE, "-500")),
        ("bank_lines_are_their_parts", PART.format("(SELECT id FROM bank_lines WHERE state = 'transfer')", FREE, "-500")),
        ("bank_lines_are_their_parts", f"WITH l AS (UPDATE bank_lines SET state = 'transfer', settled_by = 'x', settled_at = house_now() WHERE state = 'open' RETURNING id) {PART.format('(SELECT id FROM l)', FREE, '-500')}"),
        ("bank_line_parts_once", PART.format("(SELECT id FROM bank_lines WHERE state = 'payout')", "(SELECT posting_id FROM bank_line_parts)", "1")),
        ("bank_line_parts_append_only", "UPDATE bank_line_parts SET amount = 1"),
        ("bank_line_parts_append_only", "DELETE FROM bank_line_parts"),
        ("bank_lines_frozen", "UPDATE bank_lines SET amount = amount + 1 WHERE state = 'open'"),
        ("bank_lines_frozen", "UPDATE bank_lines SET state = 'open', movement_id = NULL, settled_by = NULL, settled_at = NULL WHERE state = 'payout'"),
        ("bank_lines_pay_a_payout_once", COPY.format(", 'once_key', 'x', 'state', 'payout', 'settled_by', 'x', 'settled_at', now(), 'movement_id', (SELECT movement_id FROM bank_lines WHERE state = 'payout')")),
    ],
)  # fmt: skip
async def test_what_the_bank_stated_is_kept_and_paid_once(street: Street, constraint: str, sql: str) -> None:
    amount, reference, _ = await on_its_way(street)
    money, booking, _ = await transferred(street)
    entries: list[Entry] = [
        ("-5.00", await day_of(street, -1), "FEE", ""),
        (rupees(amount), await day_of(street), reference, ""),
        (rupees(money), await day_of(street), booking, ""),
    ]
    await imported(street, await statement(street, *entries))
    assert await street.one(LINES) in ("open payout transfer", "open transfer payout")
    with pytest.raises(asyncpg.PostgresError) as refusal:
        await street.one(sql.replace("FROM bank_lines l LIMIT 1", "FROM bank_lines l WHERE state = 'open' LIMIT 1"))
    assert getattr(refusal.value, "constraint_name", None) == constraint


@pytest.mark.parametrize("table", ["bank_statements", "bank_lines", "bank_line_parts", "gateway_movements"])
async def test_a_customer_sees_nothing_of_the_agencys_bank(street: Street, table: str) -> None:
    amount, reference, _ = await on_its_way(street)
    money, booking, _ = await transferred(street)
    day = await day_of(street)
    await imported(
        street, await statement(street, (rupees(amount), day, reference, ""), (rupees(money), day, booking, ""))
    )
    for who, seen in (
        (claims("guest", booking_id=str(uuid7())), False),
        (claims("customer"), False),
        (claims("staff"), True),
    ):
        async with street.db.transaction(who) as conn:
            assert bool(await conn.fetchval(f"SELECT count(*) FROM {table}")) is seen
