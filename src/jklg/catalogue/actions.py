"""The verbs of the catalogue: add a place, add a package, sell it under other terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from jklg import history
from jklg.catalogue import queries, rules
from jklg.catalogue.pictures.rules import Picture, check_alt
from jklg.catalogue.rules import NewDestination, NewPackage
from jklg.kit.db import Connection, Database, claims
from jklg.kit.errors import BadInput, NotFound
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


async def set_terms(db: Database, slug: str, terms: dict[str, Any], *, actor: str) -> None:
    """Sell a package under other terms from now on, as pricing has checked them. NotFound: package_not_found."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        package_id = await queries.keep_terms(conn, slug, terms)
        if package_id is None:
            raise NotFound("package_not_found", "We cannot find this package.")
        await history.record(conn, actor, "package.terms_changed", "package", package_id, terms)


async def arrange_pictures(db: Database, kind: str, slug: str, pictures: Sequence[Picture], *, actor: str) -> None:
    """Show these pictures of a package or of a destination (`kind`), in this order, and no others.

    Locks the row of the package or destination. BadInput: alt_missing, pictures_missing (a package shows one at least);
    NotFound: package_not_found, destination_not_found.
    """
    for picture in pictures:
        check_alt(picture.alt)
    if kind == "package" and not pictures:
        raise BadInput("pictures_missing", "A package shows one picture at least.")
    async with db.transaction(claims("system", actor=actor)) as conn:
        if kind == "package":
            id_ = await queries.lock_package(conn, slug)
            if id_ is None:
                raise NotFound("package_not_found", "We cannot find this package.")
            await queries.delete_pictures(conn, id_)
            await queries.insert_pictures(conn, id_, pictures)
        else:
            id_ = await queries.lock_destination(conn, slug)
            if id_ is None:
                raise NotFound("destination_not_found", "We cannot find this destination.")
            await queries.delete_destination_pictures(conn, id_)
            await queries.insert_destination_pictures(conn, id_, pictures)
        await history.record(conn, actor, f"{kind}.pictures_changed", kind, id_, {"pictures": len(pictures)})
