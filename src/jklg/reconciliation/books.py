"""The checks by name: whether the books have what gateways listed and banks stated, and nothing else of that kind."""

from __future__ import annotations

from jklg.ledger import Check
from jklg.payments.books import CHECKS as OF_PAYMENTS
from jklg.reconciliation.movements import queries as movements
from jklg.reconciliation.statements import queries as statements

CHECKS = (
    Check(
        name="movements are booked",
        sentence="a line of a gateway's account is not in the books, or with another amount",
        sql=movements.BOOKED_OTHERWISE,
    ),
    Check(
        name="booked movements were listed",
        sentence="the books have a fee, a payout or an exchange that no gateway listed",
        sql=movements.BOOKED_AND_NOT_LISTED,
    ),
    Check(
        name="bank lines are booked",
        sentence="a line of the bank's statement is matched and not in the books, or with another amount or account",
        sql=statements.LINE_BOOKED_OTHERWISE,
    ),
    Check(
        name="booked bank lines were stated",
        sentence="the books have money at the bank that no statement has",
        sql=statements.BOOKED_AND_NOT_STATED,
    ),
)

ALL_CHECKS = (*OF_PAYMENTS, *CHECKS)
"""What `jklg ledger verify` asks besides what the ledger proves of itself."""
