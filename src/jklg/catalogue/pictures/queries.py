"""SQL of photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from jklg.catalogue.pictures.rules import Photo
from jklg.kit.db import Connection

if TYPE_CHECKING:
    from jklg.catalogue.pictures.developing import Developed


async def find_photo(conn: Connection, digest: str) -> Photo | None:
    """A photograph by the digest in its address."""
    row = await conn.fetchrow(
        "SELECT id, digest, width, height, widths, placeholder FROM pictures WHERE digest = $1", digest
    )
    return None if row is None else Photo(**row)


async def get_file(conn: Connection, digest: str, width: int, format_: str) -> bytes | None:
    """One file of a photograph."""
    content: bytes | None = await conn.fetchval(
        """
        SELECT f.content FROM pictures p JOIN picture_files f ON f.picture_id = p.id
        WHERE p.digest = $1 AND f.format = $3 AND f.width = $2
        """,
        digest,
        width,
        format_,
    )
    return content


async def insert_photo(conn: Connection, id_: UUID, digest: str, developed: Developed, actor: str) -> bool:
    """False when somebody has sent the same picture meanwhile."""
    done = await conn.fetchval(
        """
        INSERT INTO pictures (id, digest, width, height, widths, placeholder, uploaded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING RETURNING true
        """,
        id_,
        digest,
        developed.width,
        developed.height,
        developed.widths,
        developed.placeholder,
        actor,
    )
    return bool(done)


async def insert_files(conn: Connection, picture_id: UUID, files: Mapping[tuple[str, int], bytes]) -> None:
    await conn.execute(
        """
        INSERT INTO picture_files (picture_id, format, width, content)
        SELECT $1, f.format, f.width, f.content FROM unnest($2::text[], $3::integer[], $4::bytea[]) AS f(format, width, content)
        """,
        picture_id,
        [format_ for format_, _ in files],
        [width for _, width in files],
        list(files.values()),
    )
