"""The verbs of the gallery: add, change, remove an image, put them in order. Each leaves its line in the history."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jklg import history
from jklg.catalogue.gallery import queries, rules
from jklg.catalogue.gallery.rules import Image, Wording
from jklg.catalogue.pictures.rules import Photo
from jklg.kit.db import Connection, Database, claims
from jklg.kit.ids import uuid7


async def add(db: Database, said: Wording, picture: Photo | str, *, actor: str) -> Image:
    """Put a photograph, or a drawing by its name, at the end of the gallery. BadInput: title_missing, place_invalid, alt_missing."""
    said = rules.check(said)
    id_ = uuid7()
    scene, photo_id = (picture, None) if isinstance(picture, str) else (None, picture.id)
    async with db.transaction(claims("system", actor=actor)) as conn:
        await queries.insert_image(conn, id_, said, scene, photo_id)
        await history.record(conn, actor, "gallery.added", "gallery_image", id_)
        found = await queries.get_image(conn, id_, unpublished=True)
    assert found is not None
    return found


async def hang_drawings(conn: Connection, drawings: Sequence[tuple[str, Wording]]) -> None:
    """Fill a gallery that has never had an image, in the caller's database transaction: (name of a drawing, its words)."""
    if await queries.has_images(conn):
        return
    for scene, said in drawings:
        await queries.insert_image(conn, uuid7(), rules.check(said), scene, None)


async def change(db: Database, image_id: UUID, said: Wording, *, photo: Photo | None = None, actor: str) -> Image:
    """Its words, and another photograph if one is given. BadInput as in `add`; NotFound: image_not_found."""
    said = rules.check(said)
    async with db.transaction(claims("system", actor=actor)) as conn:
        if not await queries.update_image(conn, image_id, said, photo.id if photo else None):
            raise rules.no_image()
        await history.record(conn, actor, "gallery.changed", "gallery_image", image_id)
        found = await queries.get_image(conn, image_id, unpublished=True)
    assert found is not None
    return found


async def remove(db: Database, image_id: UUID, *, actor: str) -> None:
    """Take it out of the gallery; the photograph itself stays, because a package may show it. NotFound: image_not_found."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        if not await queries.delete_image(conn, image_id):
            raise rules.no_image()
        await history.record(conn, actor, "gallery.removed", "gallery_image", image_id)


async def arrange(db: Database, ids: Sequence[UUID], *, actor: str) -> None:
    """Show them in this order; whatever is not named keeps its place."""
    async with db.transaction(claims("system", actor=actor)) as conn:
        await queries.put_in_order(conn, ids)
