"""The verb of what the agency says of itself: keep it."""

from __future__ import annotations

from uuid import UUID

from jklg import history
from jklg.catalogue.agency import queries, rules
from jklg.catalogue.agency.rules import Profile
from jklg.kit.db import Connection, Database, claims

AGENCY = UUID("019aa000-0000-7000-8000-0000000000a9")
"""What the history calls the agency itself."""


async def keep(db: Database, said: Profile, *, actor: str) -> None:
    """Say this from now on. BadInput: email_invalid, phone_invalid, agency_invalid."""
    said = rules.check(said)
    async with db.transaction(claims("system", actor=actor)) as conn:
        await queries.keep(conn, said)
        await history.record(conn, actor, "agency.described", "agency", AGENCY)


async def introduce(conn: Connection, said: Profile) -> None:
    """Say this where nothing has been said yet, in the caller's database transaction."""
    await queries.keep(conn, rules.check(said), where_nothing_is=True)
