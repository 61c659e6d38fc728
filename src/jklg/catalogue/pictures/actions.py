"""The verb of photographs: keep one."""

from __future__ import annotations

import asyncio

from jklg import history
from jklg.catalogue.pictures import queries, rules
from jklg.catalogue.pictures.developing import develop
from jklg.catalogue.pictures.rules import Photo
from jklg.kit.db import Database, claims
from jklg.kit.ids import uuid7

_one_at_a_time = asyncio.Semaphore(1)


async def keep(db: Database, content: bytes, *, actor: str) -> Photo:
    """Develop a photograph and keep it; the same one sent again is the one that is there.

    Takes a second or two in a thread, before the database transaction. Raises TooLarge (picture_too_large), BadInput
    (picture_missing, picture_unreadable, picture_too_small).
    """
    kind = rules.check_upload(content)
    digest = rules.digest_of(content)
    async with db.connection() as conn:
        known = await queries.find_photo(conn, digest)
    if known:
        return known
    async with _one_at_a_time:
        developed = await asyncio.to_thread(develop, content, kind)
    async with db.transaction(claims("system", actor=actor)) as conn:
        id_ = uuid7()
        if await queries.insert_photo(conn, id_, digest, developed, actor):
            await queries.insert_files(conn, id_, developed.files)
            await history.record(conn, actor, "picture.uploaded", "picture", id_, {"digest": digest})
        kept = await queries.find_photo(conn, digest)
    assert kept is not None
    return kept
