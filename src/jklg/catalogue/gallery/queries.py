"""SQL of the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from jklg.catalogue.gallery.rules import Image, Wording
from jklg.catalogue.pictures.rules import Picture
from jklg.kit.db import Connection


async def list_images(conn: Connection, *, unpublished: bool = False, limit: int = 200) -> list[Image]:
    """In the order staff has put them; only published ones unless staff asks."""
    rows = await conn.fetch(
        """
        SELECT g.id, g.title, g.place, shown_picture(g.scene, g.picture_id, g.alt) AS picture, g.position, g.published, g.created_at
        FROM gallery_images g WHERE g.published OR $1 ORDER BY g.position, g.id LIMIT $2
        """,
        unpublished,
        limit,
    )
    return [_image(row) for row in rows]


async def get_image(conn: Connection, image_id: UUID, *, unpublished: bool = False) -> Image | None:
    """One image, published unless staff asks."""
    row = await conn.fetchrow(
        """
        SELECT g.id, g.title, g.place, shown_picture(g.scene, g.picture_id, g.alt) AS picture, g.position, g.published, g.created_at
        FROM gallery_images g WHERE g.id = $1 AND (g.published OR $2)
        """,
        image_id,
        unpublished,
    )
    return None if row is None else _image(row)


async def has_images(conn: Connection) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM gallery_images)"))


def _image(row: Any) -> Image:
    return Image(**{**row, "picture": msgspec.convert(row["picture"], Picture)})


async def insert_image(conn: Connection, id_: UUID, said: Wording, scene: str | None, picture_id: UUID | None) -> None:
    """At the end of the gallery."""
    await conn.execute(
        """
        INSERT INTO gallery_images (id, title, place, scene, picture_id, alt, published, position)
        SELECT $1, $2, $3, $4, $5, $6, $7, coalesce(max(position), 0) + 1 FROM gallery_images
        """,
        id_,
        said.title,
        said.place,
        scene,
        picture_id,
        said.alt,
        said.published,
    )


async def update_image(conn: Connection, id_: UUID, said: Wording, picture_id: UUID | None) -> bool:
    """Its words, and another photograph if there is one."""
    done = await conn.fetchval(
        """
        UPDATE gallery_images SET title = $2, place = $3, alt = $4, published = $5,
               scene = CASE WHEN $6::uuid IS NULL THEN scene END, picture_id = coalesce($6, picture_id)
        WHERE id = $1 RETURNING true
        """,
        id_,
        said.title,
        said.place,
        said.alt,
        said.published,
        picture_id,
    )
    return bool(done)


async def delete_image(conn: Connection, id_: UUID) -> bool:
    return bool(await conn.fetchval("DELETE FROM gallery_images WHERE id = $1 RETURNING true", id_))


async def put_in_order(conn: Connection, ids: Sequence[UUID]) -> None:
    await conn.execute(
        """
        UPDATE gallery_images g SET position = o.position
        FROM unnest($1::uuid[]) WITH ORDINALITY AS o(id, position) WHERE g.id = o.id
        """,
        list(ids),
    )
