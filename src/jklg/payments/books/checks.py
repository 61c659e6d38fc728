"""The checks by name. The ledger proves itself; only payments knows which facts must be in it, and what a paid booking is."""

from __future__ import annotations

from jklg.ledger import Check
from jklg.payments.books import queries

CHECKS = (
    Check(
        name="attempts are their facts",
        sentence="an attempt claims other money than its gateway told",
        sql=queries.ATTEMPT_IS_NOT_ITS_FACTS,
    ),
    Check(
        name="captured is booked",
        sentence="captured money is not in the books, or with another amount",
        sql=queries.CAPTURED_AND_NOT_BOOKED,
    ),
    Check(
        name="booked is captured",
        sentence="the books have money that no gateway told of",
        sql=queries.BOOKED_AND_NOT_CAPTURED,
    ),
    Check(
        name="refunds are booked",
        sentence="a refund's postings do not fit its state and amount",
        sql=queries.REFUND_BOOKED_OTHERWISE,
    ),
    Check(
        name="booked refunds exist",
        sentence="the books have a refund that was never made",
        sql=queries.BOOKED_AND_NOT_REFUNDED,
    ),
    Check(
        name="disputes are booked",
        sentence="a dispute's postings do not fit what the bank took, gave back and kept",
        sql=queries.DISPUTE_BOOKED_OTHERWISE,
    ),
    Check(
        name="booked disputes exist",
        sentence="the books have a dispute that was never opened",
        sql=queries.BOOKED_AND_NOT_DISPUTED,
    ),
    Check(
        name="clearing",
        sentence="what a gateway holds for a booking, disputes apart, is not what it told us, less what went back",
        sql=queries.CLEARING_OFF,
    ),
    Check(
        name="confirmed is paid",
        sentence="a booking is confirmed and not paid, or paid and not confirmed",
        sql=queries.CONFIRMED_AND_NOT_PAID,
    ),
    Check(
        name="owed is paid once",
        sentence="the books have another sum than was paid by hand of what was owed",
        sql=queries.OWED_PAID_OTHERWISE,
    ),
    Check(
        name="suspense is known",
        sentence="money lies in suspense, and nobody was told",
        sql=queries.SUSPENSE_UNTOLD,
    ),
)
"""For `ledger.verify(db, payments.books.CHECKS)`. Each reads the whole history of the house in one statement."""
