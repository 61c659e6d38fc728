"""SQL of looking for packages. Looks into departures to tell when a package leaves next, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from jklg.catalogue.finding.rules import PackageFilter, price_steps
from jklg.catalogue.pictures.rules import Picture
from jklg.catalogue.queries import PRICE_FROM
from jklg.catalogue.rules import PackageCard, Place
from jklg.kit.db import Connection

_PRICE_SHOWN = f"coalesce({PRICE_FROM.format('p')}, p.price)"
"""What a card says of the price: the guide price where nothing is on sale."""

_FITTING = f"""
    FROM packages p
    WHERE p.status = 'published'
      AND ($1::text IS NULL OR EXISTS (
          SELECT FROM package_destinations pd JOIN destinations t ON t.id = pd.destination_id
          WHERE pd.package_id = p.id AND (t.slug = $1 OR t.id::text = lower($1))))
      AND ($2::date IS NULL OR EXISTS (
          SELECT FROM departures d
          WHERE d.package_id = p.id AND d.status = 'open' AND d.cutoff_at > house_now()
            AND d.starts_on >= $2 AND d.starts_on < $2 + interval '1 month'))
      AND ($3::text IS NULL OR p.name ILIKE $3 OR p.summary ILIKE $3 OR p.description ILIKE $3
           OR array_to_string(p.themes, ' ') ILIKE $3 OR EXISTS (
          SELECT FROM package_destinations pd JOIN destinations t ON t.id = pd.destination_id
          WHERE pd.package_id = p.id AND (t.name ILIKE $3 OR t.region ILIKE $3)))
      AND ($4::text IS NULL OR $4 = ANY (p.themes))
      AND ($5::integer IS NULL OR p.duration_days BETWEEN $5 AND $6)
      AND ($7::text IS NULL OR (p.currency = $7 AND {_PRICE_SHOWN} <= $8::bigint))
"""  # noqa: S608  (put together from what stands here, and from nobody's words)

_LEAVES_NEXT = """(
    SELECT d.starts_on FROM departures d
    WHERE d.package_id = {}.id AND d.status = 'open' AND d.cutoff_at > house_now() AND d.seats_taken < d.allotment
    ORDER BY d.starts_on LIMIT 1)"""

_CARD = f"""
    s.id, s.slug, s.name, s.summary, s.description, s.duration_days, s.price, {PRICE_FROM.format("s")} AS price_from, s.currency,
    s.themes, s.featured, s.rank,
    (SELECT jsonb_agg(jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'region', t.region) ORDER BY pd.position)
     FROM package_destinations pd JOIN destinations t ON t.id = pd.destination_id WHERE pd.package_id = s.id) AS places,
    (SELECT shown_picture(pp.scene, pp.picture_id, pp.alt)
     FROM package_pictures pp WHERE pp.package_id = s.id ORDER BY pp.position LIMIT 1) AS picture,
    {_LEAVES_NEXT.format("s")} AS next_departure_on
"""  # noqa: S608


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What the filters of the list can be set to, so that none of them leads nowhere. `months` are first days; `themes` come with how many
    packages have them, `prices` as (word of an address, currency, minor units)."""

    months: list[date]
    themes: list[tuple[str, int]]
    days: list[int]
    prices: list[tuple[str, str, int]]
    packages: int


def _values(wanted: PackageFilter) -> tuple[Any, ...]:
    least, most = wanted.days or (None, None)
    currency, price = wanted.price or (None, None)
    return wanted.destination, wanted.month, _pattern(wanted.q), wanted.theme, least, most, currency, price


async def list_packages(conn: Connection, wanted: PackageFilter | None = None) -> list[PackageCard]:
    """Published packages that fit, one page of them. Reads keyset-wise: `wanted.after` is the last row of the page before."""
    wanted = wanted or PackageFilter()
    rows = await conn.fetch(
        f"""
        WITH shown AS (
            SELECT p.id, p.slug, p.name, p.summary, p.description, p.duration_days, p.price, p.currency, p.themes, p.featured,
                   CASE $9 WHEN 'price' THEN {_PRICE_SHOWN} WHEN 'duration' THEN p.duration_days
                           WHEN 'featured' THEN (NOT p.featured)::integer
                           WHEN 'soonest' THEN coalesce({_LEAVES_NEXT.format("p")} - date '2000-01-01', 1000000)
                           ELSE 0 END::bigint AS rank
            {_FITTING}
        )
        SELECT {_CARD} FROM shown s
        WHERE $10::bigint IS NULL OR (s.rank, s.name, s.id) > ($10, $11::text, $12::uuid)
        ORDER BY s.rank, s.name, s.id LIMIT $13
        """,  # noqa: S608
        *_values(wanted),
        wanted.sort,
        *(wanted.after or (None, None, None)),
        wanted.limit,
    )
    return [_card(row) for row in rows]


async def list_named(conn: Connection, slugs: Sequence[str]) -> list[PackageCard]:
    """Published packages by their slugs, in that order; whatever is not there is left out."""
    rows = await conn.fetch(
        f"""
        WITH shown AS (
            SELECT p.id, p.slug, p.name, p.summary, p.description, p.duration_days, p.price, p.currency, p.themes, p.featured,
                   w.rank
            FROM unnest($1::text[]) WITH ORDINALITY AS w(slug, rank) JOIN packages p ON p.slug = w.slug
            WHERE p.status = 'published'
        )
        SELECT {_CARD} FROM shown s ORDER BY s.rank
        """,  # noqa: S608
        list(slugs),
    )
    return [_card(row) for row in rows]


async def count_packages(conn: Connection, wanted: PackageFilter) -> int:
    """How many packages fit, on all pages."""
    return int(await conn.fetchval(f"SELECT count(*) {_FITTING}", *_values(wanted)))


async def choices(conn: Connection, months: int = 18) -> Choices:
    """What there is to choose from, in one round trip."""
    row = await conn.fetchrow(
        f"""
        SELECT ARRAY(SELECT m.month::date
                     FROM generate_series(date_trunc('month', house_now()), house_now() + make_interval(months => $1), interval '1 month')
                          AS m(month)
                     WHERE EXISTS (
                         SELECT FROM departures d JOIN packages p ON p.id = d.package_id
                         WHERE p.status = 'published' AND d.status = 'open' AND d.cutoff_at > house_now()
                           AND d.seats_taken < d.allotment
                           AND d.starts_on >= m.month AND d.starts_on < m.month + interval '1 month')
                     ORDER BY m.month) AS months,
               (SELECT jsonb_agg(jsonb_build_array(theme, packages) ORDER BY theme) FROM (
                    SELECT theme, count(*) AS packages FROM packages p, unnest(p.themes) AS theme
                    WHERE p.status = 'published' GROUP BY theme) AS t) AS themes,
               ARRAY(SELECT DISTINCT p.duration_days FROM packages p WHERE p.status = 'published' ORDER BY 1) AS days,
               (SELECT jsonb_agg(DISTINCT jsonb_build_array(p.currency, {_PRICE_SHOWN}))
                FROM packages p WHERE p.status = 'published') AS prices,
               (SELECT count(*) FROM packages p WHERE p.status = 'published') AS packages
        """,  # noqa: S608
        months,
    )
    assert row is not None
    return Choices(
        months=row["months"],
        themes=[(theme, count) for theme, count in row["themes"] or []],
        days=row["days"],
        prices=price_steps((currency, price) for currency, price in row["prices"] or []),
        packages=row["packages"],
    )


def _card(row: Any) -> PackageCard:
    return PackageCard(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        summary=row["summary"],
        description=row["description"],
        duration_days=row["duration_days"],
        price=row["price"],
        price_from=row["price_from"],
        currency=row["currency"],
        themes=row["themes"],
        featured=row["featured"],
        places=msgspec.convert(row["places"] or [], list[Place]),
        picture=msgspec.convert(row["picture"], Picture | None),
        next_departure_on=row["next_departure_on"],
        rank=row["rank"],
    )


def _pattern(words: str | None) -> str | None:
    """The words as an ILIKE pattern in which nothing is a wildcard."""
    if not words:
        return None
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
