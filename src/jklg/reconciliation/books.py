"""The checks by name: whether the books have what gateways listed and banks stated, and nothing else of that kind."""

from __future__ import annotations

from jklg.ledger import Check
from jklg.reconciliation.movements import queries as movements

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
)
