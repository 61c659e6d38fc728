"""`jklg ledger verify` finds what somebody with all the rights has done to gateways' lines and the bank's, and says which promise it breaks."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from jklg import ledger, reconciliation
from jklg.payments.books import CHECKS
from tests.conftest import SECRET
from tests.payments.books.test_checks import mallory, posting  # noqa: F401  (a fixture)
from tests.payments.conftest import Street, street  # noqa: F401  (a fixture)
from tests.reconciliation.statements.test_bank_statements import day_of, imported, on_its_way, rupees, statement

SENTENCE = {check.name: check.sentence for check in reconciliation.CHECKS}
OFFENCES: dict[str, tuple[list[str], set[str]]] = {
    "a fee is said to have been another": (
        ["UPDATE gateway_movements SET fee_amount = fee_amount + 1, net_amount = net_amount - 1 WHERE kind = 'capture'"],
        {"movements are booked"},
    ),
    "a payout was never listed": (
        posting("payout", "movement", "'sandbox:test:invented'", "NULL::uuid", "bank_in_transit", "gateway_clearing:sandbox"),
        {"booked movements were listed"},
    ),
    "a line says that it is no payout": (
        ["UPDATE bank_lines SET state = 'not_ours', movement_id = NULL"],
        {"bank lines are booked"},
    ),
    "a line is booked from another account": (
        ["UPDATE ledger_entries SET account = 'gateway_other' WHERE account = 'bank_in_transit' AND amount < 0"],
        {"bank lines are booked"},
    ),
    "money at the bank that no statement has": (
        posting("transfer_arrived", "bank_line", "gen_random_uuid()::text", "NULL::uuid", "bank", "gateway_clearing:manual"),
        {"booked bank lines were stated"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("offence", OFFENCES)
async def test_an_offence_is_named(street: Street, mallory: asyncpg.Connection[Any], offence: str) -> None:
    amount, reference, _ = await on_its_way(street)
    await imported(street, await statement(street, (rupees(amount), await day_of(street), reference, "")))
    await street.work()
    every = (*CHECKS, *reconciliation.CHECKS)
    assert (await ledger.verify(street.db, every, keys=[SECRET])).broken == {}
    statements, expected = OFFENCES[offence]
    async with mallory.transaction():
        await mallory.execute("INSERT INTO ledger_accounts VALUES ('gateway_other', 'INR') ON CONFLICT DO NOTHING")
        for sql in statements:
            await mallory.execute(sql)
    broken = (await ledger.verify(street.db, every, keys=[SECRET])).broken
    assert {name for name, sentence in SENTENCE.items() if sentence in broken} == expected, broken


def test_every_check_has_an_offence_that_it_finds() -> None:
    assert set(SENTENCE) == {name for _, names in OFFENCES.values() for name in names}
