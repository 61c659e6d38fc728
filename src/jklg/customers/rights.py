"""With the rights of a customer and no more. Whether their session lives, the database finds out in the round trip of the work itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import asyncpg
import msgspec

from jklg.customers.sessions import queries
from jklg.customers.sessions.rules import Visitor
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import Forbidden, NotSignedIn
from jklg.kit.together import Ask, Asked


@asynccontextmanager
async def as_customer(db: Database, who: Visitor, *, pending_too: bool = False) -> AsyncIterator[Connection]:
    """One database transaction with the rights of a customer and no more: row-level security shows their own rows only.

    Raises NotSignedIn (not_signed_in) when the session has ended, Forbidden (email_not_verified) when the mailbox is not
    proven yet, unless `pending_too`.
    """
    rights = claims("customer", sub=str(who.customer_id), sid=str(who.session_id))
    with refusals():
        async with db.transaction(rights, queries.ENTER_PENDING_TOO if pending_too else queries.ENTER) as conn:
            yield conn


@contextmanager
def refusals() -> Iterator[None]:
    """What `enter_as_customer` raises in the database, as refusals."""
    try:
        yield
    except asyncpg.PostgresError as error:
        refuse(error.sqlstate)
        raise


def refuse(sqlstate: str | None) -> None:
    """NotSignedIn (not_signed_in), Forbidden (email_not_verified), or nothing at all."""
    if sqlstate == "JK401":
        raise not_signed_in() from None
    if sqlstate == "JK403":
        raise Forbidden("email_not_verified", "Please confirm your e-mail address first.") from None


class Told(NamedTuple):
    """What the database says to one of many customers who ask in one moment: why they may not come in, or JSON that is ready."""

    refused: str | None
    answer: str


async def ask_together(db: Database, ask: Ask[Asked, Told], asked: Asked) -> msgspec.Raw:
    """The answer to a customer, asked for in one statement with all who ask `ask` in this moment (kit/together.py).

    Each is let in and reads under claims of their own, in a statement that begins after they have asked: a session that was
    ended fails on its next request here too. Raises what `as_customer` raises.
    """
    told = await db.together(ask)(asked)
    assert told is not None, "each who asks is answered"
    refuse(told.refused)
    return msgspec.Raw(told.answer.encode())


def not_signed_in() -> NotSignedIn:
    return NotSignedIn("not_signed_in", "Please sign in first.")
