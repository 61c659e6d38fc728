"""Bugs about seats, holds and what is told to people."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from typing import Any

from jklg.bookings import actions as booking_actions
from jklg.bookings import queries as booking_queries
from jklg.bookings import rules as booking_rules
from jklg.mail import queries as mail_queries
from jklg.payments import merging, webhooks
from jklg.payments.gateways import signatures
from jklg.payments.webhooks import actions as webhook_actions
from jklg.payments.webhooks import queries as webhook_queries
from tests.simulation.climates import Climate
from tests.simulation.mutations.attempts import BUYERS, LATE
from tests.simulation.mutations.tools import Mutation, Patch, rewritten

CROWD = Climate(turns=300, line=0, crashes=0, habits={"staff": 0, "bank": 0, "books another": 60, "postman": 2})
"""More people than seats."""
TOO_LATE = Climate(
    people=4, departures=1, turns=700, line=0, crashes=0, late_money=True, later=(3_000, 9_000), spans=(60, 500, 1_000, 1_000),
    habits={
        "staff": 0, "bank": 0, "mallory": 0, "gives up": 0, "goes to pay": 40, "closes the payment": 80, "walks away": 100, "is at the bank": 1,
        "comes back": 0, "pays at once": 0, "pays what is over": 0, "worker": 15, "postman": 12,
        "holds": 60, "overdue": 10, "mail": 0, "seals": 0, "balances": 0, "balance letters": 0, "put aside": 0, "travelled": 0, "refunds": 0,
    },
)  # fmt: skip
"""Who has closed her payment and walked away has paid after all, when somebody else has her seats."""
BELLS = Climate(
    turns=300, line=0, crashes=25, scarce=False,
    habits={"staff": 0, "bank": 0, "notices": 80, "postman": 25, "comes back": 0, "payments": 0, "comes back at once": 0, "pays at once": 90},
)  # fmt: skip
"""They pay and never come back: all that is known is what the bank tells."""
UNPAID = replace(
    BUYERS,
    habits={
        **BUYERS.habits,
        "leaves": 40,
        "holds": 40,
        "overdue": 1,
        "worker": 40,
        "closes the payment": 0,
        "is at the bank": 5,
    },
)
"""They open a payment and leave it at that."""
NEWS = Climate(turns=250, line=0, scarce=False, habits={"staff": 0, "bank": 2, "teller": 20, "postman": 15})


def all_money_is_the_bookings(patch: Patch) -> None:
    """Whatever became of the booking, and however often it was paid."""
    patch.setattr(booking_rules, "destination_of_money", lambda *_, **__: ("customer_deposits", None))


def confirm_without_looking_for_seats(patch: Patch) -> None:
    """Late money takes its old seats again, whoever sits there now."""

    async def surely(conn: Any, booking: Any) -> bool:
        return True

    patch.setattr(booking_actions, "_seats_free", surely)


def expire_whoever_is_late(patch: Patch) -> None:
    """A hold past its time is released, open payment or not."""
    for name in ("list_holds_due", "expire"):
        rewritten(patch, booking_queries, name, " AND NOT payment_open", "")


def write_mail_without_asking_whether_it_was_written(patch: Patch) -> None:
    rewritten(patch, mail_queries, "insert", "ON CONFLICT ON CONSTRAINT mail_outbox_once DO NOTHING", "")


def announce_before_it_is_committed(patch: Patch) -> None:
    """The news is told outside the database transaction of its fact: a crash in between, and nobody hears of it."""

    async def silent(conn: Any, all_news: Any) -> None:
        return None

    patch.setattr(merging.jobs, "announce_all", silent)


def mark_the_notice_done_before_looking(patch: Patch) -> None:
    async def hasty(house: Any, limit: int = 50) -> int:
        for tried in range(limit):
            async with house.db.transaction() as conn:
                notices = await webhook_queries.claim(conn, 1)
                if not notices:
                    return tried
                await webhook_queries.finish(conn, [((notices[0].id,), "done", None)])
            try:
                await webhook_actions._look_into(house, notices[0])
            except Exception as error:
                await webhook_actions._put_off(house, notices[0], error)
        return limit

    patch.setattr(webhooks, "process_due", hasty)


def believe_any_signature(patch: Patch) -> None:
    patch.setattr(signatures, "verify", lambda *args: None)


_WITHOUT_WAITING = """
CREATE OR REPLACE FUNCTION bookings_keep_their_word() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""


def _hold_booking_off_by_one() -> str:
    """hold_booking without its polite look at the seats that are left."""
    sql = files("jklg.migrations").joinpath("0060_departure_first.sql").read_text("utf-8")
    found = re.search(r"CREATE OR REPLACE FUNCTION hold_booking_as_house.*?END \$\$;", sql, re.DOTALL)
    assert found is not None
    look = "d.seats_taken + (p ->> 'seats')::integer > d.allotment THEN"
    assert look in found.group()
    return found.group().replace(look, look.replace("d.allotment", "d.allotment + 1"))


_NOBODY_COUNTS = "ALTER TABLE departures DROP CONSTRAINT departures_never_oversold;"

SEATS = (
    Mutation("sell one seat more than there is", ("no more than its allotment",), CROWD, sql=_NOBODY_COUNTS + _hold_booking_off_by_one()),
    Mutation("seats do not come back", ("a departure's seats",), CROWD, sql="""
        CREATE OR REPLACE FUNCTION booking_takes_seats(p_status text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN true"""),
    Mutation("extras are not counted", ("extras are counted",), CROWD, sql="DROP TRIGGER booking_extras_count_stock ON booking_extras"),
    Mutation("all money is the booking's", ("is confirmed if, and only if", "nothing is kept but the fee", "paid and not confirmed"), LATE, all_money_is_the_bookings),
    Mutation(
        "confirm without looking for seats", ("no more than its allotment",), TOO_LATE, confirm_without_looking_for_seats, _NOBODY_COUNTS
    ),
    Mutation(
        "seats are released while a payment is open", ("while a payment may still succeed",), UNPAID, expire_whoever_is_late, _WITHOUT_WAITING
    ),
    Mutation(
        "a mail has no once key", ("told the same thing twice",), NEWS, write_mail_without_asking_whether_it_was_written,
        "ALTER TABLE mail_outbox DROP CONSTRAINT mail_outbox_once",
    ),
    Mutation("news is lost", ("was told so",), NEWS, announce_before_it_is_committed),
    Mutation("a notice is done before it is looked into", ("a done notice speaks of",), BELLS, mark_the_notice_done_before_looking),
    Mutation("any signature will do", ("a forged notice is refused",), Climate(turns=100, habits={"mallory": 30}), believe_any_signature),
)  # fmt: skip
