"""SQL of the catalogue room; lists of packages are in finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from jklg.catalogue.pictures.rules import Picture
from jklg.catalogue.rules import (
    Day,
    Destination,
    Extra,
    NewDestination,
    NewPackage,
    Package,
    Place,
    read_key,
)
from jklg.kit.db import Connection

PRICE_FROM = """(
    SELECT min(d.adult_amount) FROM departures d
    WHERE d.package_id = {0}.id AND d.currency = {0}.currency AND d.status = 'open' AND d.cutoff_at > (SELECT house_now())
      AND d.seats_taken < d.allotment)"""
"""The least that an adult pays on a departure of this package that can be booked now; NULL without one. The first that the index
departures_by_price has: house_now() is asked once, so that those that have closed are skipped there."""


async def get_package(conn: Connection, slug_or_id: str | UUID, *, unpublished: bool = False) -> Package | None:
    """A package with its days, pictures, places and extras, in one round trip. Only published ones unless staff asks."""
    key = read_key(str(slug_or_id))
    if key is None:
        return None
    row = await conn.fetchrow(
        f"""
        SELECT p.id, p.slug, p.name, p.summary, p.description, p.duration_days, p.price, {PRICE_FROM.format("p")} AS price_from,
               p.currency, p.included, p.excluded,
               p.meeting_point, p.time_zone, p.themes, p.status, p.featured,
               (SELECT jsonb_agg(jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'region', t.region,
                                                    'latitude', t.latitude::float8, 'longitude', t.longitude::float8,
                                                    'altitude_m', t.altitude_m) ORDER BY pd.position)
                FROM package_destinations pd JOIN destinations t ON t.id = pd.destination_id WHERE pd.package_id = p.id) AS places,
               (SELECT jsonb_agg(jsonb_build_object('day', i.day, 'title', i.title, 'description', i.description,
                                                    'meals', i.meals, 'overnight', i.overnight) ORDER BY i.day)
                FROM itinerary_days i WHERE i.package_id = p.id) AS days,
               (SELECT jsonb_agg(shown_picture(pp.scene, pp.picture_id, pp.alt) ORDER BY pp.position)
                FROM package_pictures pp WHERE pp.package_id = p.id) AS pictures,
               (SELECT jsonb_agg(jsonb_build_object('id', e.id, 'name', e.name, 'description', e.description) ORDER BY e.position, e.id)
                FROM extras e WHERE e.package_id = p.id) AS extras
        FROM packages p
        WHERE (p.id = $1 OR p.slug = $2) AND (p.status = 'published' OR $3)
        """,  # noqa: S608  (put together from what stands here)
        key if isinstance(key, UUID) else None,
        key if isinstance(key, str) else None,
        unpublished,
    )
    if row is None:
        return None
    return Package(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        summary=row["summary"],
        description=row["description"],
        duration_days=row["duration_days"],
        price=row["price"],
        price_from=row["price_from"],
        currency=row["currency"],
        included=row["included"],
        excluded=row["excluded"],
        meeting_point=row["meeting_point"],
        time_zone=row["time_zone"],
        themes=row["themes"],
        status=row["status"],
        featured=row["featured"],
        places=msgspec.convert(row["places"] or [], list[Place]),
        days=msgspec.convert(row["days"] or [], list[Day]),
        pictures=msgspec.convert(row["pictures"] or [], list[Picture]),
        extras=msgspec.convert(row["extras"] or [], list[Extra]),
    )


async def list_destinations(conn: Connection, limit: int = 200) -> list[Destination]:
    """Featured places first, then by name."""
    rows = await conn.fetch(
        """
        SELECT t.id, t.slug, t.name, t.region, t.summary, t.description, t.altitude_m, t.best_season, t.latitude, t.longitude,
               t.featured,
               (SELECT count(*) FROM package_destinations pd JOIN packages p ON p.id = pd.package_id
                WHERE pd.destination_id = t.id AND p.status = 'published')::integer AS packages,
               (SELECT jsonb_agg(shown_picture(tp.scene, tp.picture_id, tp.alt) ORDER BY tp.position)
                FROM destination_pictures tp WHERE tp.destination_id = t.id) AS pictures
        FROM destinations t ORDER BY NOT t.featured, t.name, t.id LIMIT $1
        """,
        limit,
    )
    return [_destination(row) for row in rows]


async def get_destination(conn: Connection, slug_or_id: str | UUID) -> Destination | None:
    """A destination by its slug or its id. One round trip."""
    key = read_key(str(slug_or_id))
    if key is None:
        return None
    row = await conn.fetchrow(
        """
        SELECT t.id, t.slug, t.name, t.region, t.summary, t.description, t.altitude_m, t.best_season, t.latitude, t.longitude,
               t.featured,
               (SELECT count(*) FROM package_destinations pd JOIN packages p ON p.id = pd.package_id
                WHERE pd.destination_id = t.id AND p.status = 'published')::integer AS packages,
               (SELECT jsonb_agg(shown_picture(tp.scene, tp.picture_id, tp.alt) ORDER BY tp.position)
                FROM destination_pictures tp WHERE tp.destination_id = t.id) AS pictures
        FROM destinations t WHERE t.id = $1 OR t.slug = $2
        """,
        key if isinstance(key, UUID) else None,
        key if isinstance(key, str) else None,
    )
    return None if row is None else _destination(row)


def _destination(row: Any) -> Destination:
    return Destination(**{**row, "pictures": msgspec.convert(row["pictures"] or [], list[Picture])})


async def insert_destination(conn: Connection, id_: UUID, new: NewDestination) -> bool:
    """False when the slug is taken."""
    done = await conn.fetchval(
        """
        INSERT INTO destinations (id, slug, name, region, summary, description, altitude_m, best_season, latitude, longitude, featured)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (slug) DO NOTHING RETURNING true
        """,
        id_,
        new.slug,
        new.name,
        new.region,
        new.summary,
        new.description,
        new.altitude_m,
        new.best_season,
        new.latitude,
        new.longitude,
        new.featured,
    )
    return bool(done)


async def insert_package(conn: Connection, id_: UUID, new: NewPackage) -> bool:
    """The package's own row. False when the slug is taken."""
    done = await conn.fetchval(
        """
        INSERT INTO packages (id, slug, name, summary, description, duration_days, price, currency, included, excluded,
                              meeting_point, time_zone, themes, status, featured)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT (slug) DO NOTHING RETURNING true
        """,
        id_,
        new.slug,
        new.name,
        new.summary,
        new.description,
        len(new.days),
        new.price,
        new.currency,
        list(new.included),
        list(new.excluded),
        new.meeting_point,
        new.time_zone,
        list(new.themes),
        new.status,
        new.featured,
    )
    return bool(done)


async def insert_package_destinations(conn: Connection, package_id: UUID, slugs: Sequence[str]) -> int:
    """How many of the slugs were found."""
    count = await conn.fetchval(
        """
        WITH placed AS (
            INSERT INTO package_destinations (package_id, destination_id, position)
            SELECT $1, t.id, s.position FROM unnest($2::text[]) WITH ORDINALITY AS s(slug, position)
            JOIN destinations t ON t.slug = s.slug RETURNING destination_id
        )
        SELECT count(*) FROM placed
        """,
        package_id,
        list(slugs),
    )
    return int(count)


async def insert_days(conn: Connection, package_id: UUID, days: Sequence[Day]) -> None:
    await conn.execute(
        """
        INSERT INTO itinerary_days (package_id, day, title, description, meals, overnight)
        SELECT $1, n.day, n.title, n.description, n.meals, n.overnight
        FROM jsonb_to_recordset($2) AS n(day integer, title text, description text, meals text, overnight text)
        """,
        package_id,
        msgspec.to_builtins(list(days)),
    )


async def insert_pictures(conn: Connection, package_id: UUID, pictures: Sequence[Picture]) -> None:
    await conn.execute(
        """
        INSERT INTO package_pictures (package_id, position, scene, picture_id, alt)
        SELECT $1, n.position, n.scene, n.picture_id, n.alt
        FROM jsonb_to_recordset($2) AS n(position integer, scene text, picture_id uuid, alt text)
        """,
        package_id,
        in_order(pictures),
    )


async def lock_package(conn: Connection, slug: str) -> UUID | None:
    """Whoever arranges its pictures at the same time waits."""
    found: UUID | None = await conn.fetchval("SELECT id FROM packages WHERE slug = $1 FOR NO KEY UPDATE", slug)
    return found


async def delete_pictures(conn: Connection, package_id: UUID) -> None:
    await conn.execute("DELETE FROM package_pictures WHERE package_id = $1", package_id)


async def lock_destination(conn: Connection, slug: str) -> UUID | None:
    """Whoever arranges its pictures at the same time waits."""
    found: UUID | None = await conn.fetchval("SELECT id FROM destinations WHERE slug = $1 FOR NO KEY UPDATE", slug)
    return found


async def delete_destination_pictures(conn: Connection, destination_id: UUID) -> None:
    await conn.execute("DELETE FROM destination_pictures WHERE destination_id = $1", destination_id)


async def insert_destination_pictures(conn: Connection, destination_id: UUID, pictures: Sequence[Picture]) -> None:
    await conn.execute(
        """
        INSERT INTO destination_pictures (destination_id, position, scene, picture_id, alt)
        SELECT $1, n.position, n.scene, n.picture_id, n.alt
        FROM jsonb_to_recordset($2) AS n(position integer, scene text, picture_id uuid, alt text)
        """,
        destination_id,
        in_order(pictures),
    )


def in_order(pictures: Sequence[Picture]) -> list[dict[str, Any]]:
    """Rows of a table of pictures, counted from 1."""
    return [
        {
            "position": position,
            "scene": picture.scene or None,
            "picture_id": str(picture.photo.id) if picture.photo else None,
            "alt": picture.alt,
        }
        for position, picture in enumerate(pictures, 1)
    ]


async def insert_extras(conn: Connection, package_id: UUID, extras: Sequence[tuple[UUID, str, str]]) -> None:
    """Extras as (id, name, description), in the order they are shown."""
    await conn.execute(
        """
        INSERT INTO extras (id, package_id, name, description, position)
        SELECT n.id, $1, n.name, n.description, n.position
        FROM jsonb_to_recordset($2) AS n(id uuid, name text, description text, position integer)
        """,
        package_id,
        [
            {"id": str(id_), "name": name, "description": description, "position": position}
            for position, (id_, name, description) in enumerate(extras, 1)
        ],
    )


async def list_terms(conn: Connection) -> list[dict[str, Any]]:
    """Every package that is or may be sold, with its terms of sale, by name."""
    rows = await conn.fetch(
        "SELECT slug, name, currency, status, sales_terms FROM packages WHERE status <> 'archived' ORDER BY name, id"
    )
    return [dict(row) for row in rows]


async def keep_terms(conn: Connection, slug: str, terms: dict[str, Any]) -> UUID | None:
    """New terms of sale, for bookings from now on. None when there is no such package."""
    found: UUID | None = await conn.fetchval(
        "UPDATE packages SET sales_terms = $2 WHERE slug = $1 RETURNING id", slug, terms
    )
    return found
