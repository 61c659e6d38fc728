"""Brings a database to the present schema: forward only, one database transaction a file, and never twice.

The files are plain SQL, so that they can be pasted into a hosted SQL editor as well. What was applied is written to
`schema_migrations` with its checksum; an applied file that has changed since is refused, because nobody could say any
more what the database contains.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

import asyncpg

from jklg.kit.db import Connection

_LOCK = 0x4A4B4C47  # "JKLG": the advisory lock that makes two migrations wait for each other


class MigrationTrouble(Exception):
    """The database cannot be brought to the present schema. The message says why."""


@dataclass(frozen=True)
class Migration:
    """One file of this folder."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def present() -> list[Migration]:
    """The files that come with this version, in order."""
    files = [file for file in resources.files(__name__).iterdir() if file.name.endswith(".sql")]
    return [Migration(file.name, file.read_text("utf-8")) for file in sorted(files, key=lambda file: file.name)]


async def migrate(owner_url: str, files: list[Migration] | None = None) -> list[str]:
    """Apply what is missing and return the names. Safe to run at the same time from several places; raises MigrationTrouble."""
    conn = await asyncpg.connect(owner_url, server_settings={"application_name": "jklg migrate"})
    try:
        await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
        done = await _apply(conn, present() if files is None else files)
        return done + await _install_queue(conn)
    finally:
        await conn.close()  # lets go of the lock


async def _apply(conn: Connection, files: list[Migration]) -> list[str]:
    await conn.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            name        text PRIMARY KEY,
            sha256      text NOT NULL,
            applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
        )
        """
    )
    applied = {row["name"]: row["sha256"] for row in await conn.fetch("SELECT name, sha256 FROM schema_migrations")}
    for file in files:
        if applied.get(file.name, file.sha256) != file.sha256:
            raise MigrationTrouble(
                f"Migration {file.name} was changed after it had been applied to this database. "
                "Restore the file, and put the change into a new one."
            )
    unknown = sorted(applied.keys() - {file.name for file in files})
    if unknown:
        raise MigrationTrouble(
            f"This database has migrations that this version of JKLG does not know: {', '.join(unknown)}. "
            "Use the version that applied them, or a newer one."
        )
    done = []
    for file in files:
        if file.name in applied:
            continue
        try:
            async with conn.transaction():
                await conn.execute(file.sql)
                await conn.execute(
                    "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", file.name, file.sha256
                )
        except asyncpg.PostgresError as error:
            raise MigrationTrouble(f"Migration {file.name} failed and left nothing behind: {error}") from error
        done.append(file.name)
    return done


async def _install_queue(conn: Connection) -> list[str]:
    """The job queue's own tables, by its own installer; then what the application needs on them."""
    from pgqueuer.queries import Queries  # heavy, and only needed here

    queue = Queries.from_asyncpg_connection(conn)  # type: ignore[arg-type]
    done = []
    if not await queue.schema_is_installed():
        async with conn.transaction():
            await queue.install(create_schema=False)
        done.append("pgqueuer")
    elif (await queue.plan_upgrade()).statements:
        await queue.upgrade()
        done.append("pgqueuer (upgraded)")
    await _grant_queue(conn)
    await conn.execute("GRANT SELECT ON schema_migrations TO jklg_app")
    return done


async def _grant_queue(conn: Connection) -> None:
    """What is missing, each time: whoever installed the queue may have been killed before this. Nobody needs to be its owner to find that
    nothing is."""
    names = await conn.fetch(
        """
        SELECT relkind, quote_ident(nspname) || '.' || quote_ident(relname) AS name
          FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE relname LIKE 'pgqueuer%' AND relkind IN ('r', 'S') AND nspname = current_schema()
           AND NOT CASE relkind WHEN 'r' THEN has_table_privilege('jklg_app', c.oid, 'SELECT') AND has_table_privilege('jklg_app', c.oid, 'INSERT')
                                          AND has_table_privilege('jklg_app', c.oid, 'UPDATE') AND has_table_privilege('jklg_app', c.oid, 'DELETE')
                   ELSE has_sequence_privilege('jklg_app', c.oid, 'USAGE') AND has_sequence_privilege('jklg_app', c.oid, 'SELECT') END
        """
    )
    for row in names:
        if row["relkind"] == b"r":
            await conn.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {row['name']} TO jklg_app")
        else:
            await conn.execute(f"GRANT USAGE, SELECT ON SEQUENCE {row['name']} TO jklg_app")


async def missing(conn: Connection) -> list[str]:
    """Names of files that this database does not have yet. The application may ask."""
    if await conn.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return [file.name for file in present()]
    applied = {row["name"] for row in await conn.fetch("SELECT name FROM schema_migrations")}
    return [file.name for file in present() if file.name not in applied]
