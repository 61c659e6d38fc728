"""SQL of what the agency says of itself."""

from __future__ import annotations

from jklg.catalogue.agency.rules import Profile
from jklg.kit.db import Connection


async def get(conn: Connection) -> Profile:
    """What is said; empty before anybody has written it."""
    row = await conn.fetchrow("SELECT name, address, licence, email, phone, about FROM agency_profile")
    return Profile(**row) if row else Profile()


async def keep(conn: Connection, said: Profile, *, where_nothing_is: bool = False) -> None:
    """`where_nothing_is`: what is said already stays."""
    await conn.execute(
        """
        INSERT INTO agency_profile (name, address, licence, email, phone, about) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (lone) DO UPDATE SET name = $1, address = $2, licence = $3, email = $4, phone = $5, about = $6 WHERE NOT $7
        """,
        said.name,
        said.address,
        said.licence,
        said.email,
        said.phone,
        said.about,
        where_nothing_is,
    )
