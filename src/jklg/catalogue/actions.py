"""The verbs of the catalogue: add a place, add a package."""

from __future__ import annotations

from uuid import UUID

from jklg.catalogue import queries, rules
from jklg.catalogue.rules import NewDestination, NewPackage
from jklg.kit.db import Connection
from jklg.kit.errors import BadInput
from jklg.kit.ids import uuid7


async def add_destination(conn: Connection, new: NewDestination) -> UUID | None:
    """Add a place; its id, or None when there is one of this slug already. BadInput: destination_invalid."""
    if not rules.SLUG.fullmatch(new.slug) or not new.name.strip() or not new.description.strip():
        raise BadInput("destination_invalid", "A destination needs a slug, a name and a description.")
    id_ = uuid7()
    return id_ if await queries.insert_destination(conn, id_, new) else None


async def add_package(conn: Connection, new: NewPackage) -> UUID | None:
    """Add a package with all that belongs to it; its id, or None when there is one of this slug already.

    Takes part in the caller's database transaction. BadInput: package_invalid.
    """
    rules.check_package(new)
    id_ = uuid7()
    if not await queries.insert_package(conn, id_, new):
        return None
    if await queries.insert_package_destinations(conn, id_, new.destinations) != len(new.destinations):
        raise BadInput(
            "package_invalid", "The package names a destination we do not have.", details={"field": "destinations"}
        )
    await queries.insert_days(conn, id_, new.days)
    await queries.insert_pictures(conn, id_, new.pictures)
    await queries.insert_extras(conn, id_, [(uuid7(), extra.name, extra.description) for extra in new.extras])
    return id_
