"""What `doctor` asks the database."""

from __future__ import annotations

from datetime import datetime

from jklg.kit.db import Connection


async def server_version(conn: Connection) -> tuple[int, str]:
    """As a number (180006) and as PostgreSQL says it."""
    row = await conn.fetchrow(
        "SELECT current_setting('server_version_num')::integer AS number, current_setting('server_version') AS text"
    )
    assert row is not None
    return row["number"], row["text"]


async def seconds_ahead(conn: Connection, here: datetime) -> float:
    """How far the database's clock is ahead of `here`."""
    return float(await conn.fetchval("SELECT extract(epoch FROM clock_timestamp() - $1::timestamptz)::float", here))


async def who_we_are(conn: Connection) -> tuple[str, str, bool]:
    """Whom we signed in as, whom we act as, and whether that role escapes row-level security."""
    row = await conn.fetchrow(
        """
        SELECT session_user::text AS login, current_user::text AS role,
               rolsuper OR rolbypassrls OR EXISTS (SELECT FROM pg_tables WHERE tableowner = current_user) AS too_much
          FROM pg_roles WHERE rolname = current_user
        """
    )
    assert row is not None
    return row["login"], row["role"], row["too_much"]


async def active_staff(conn: Connection) -> int:
    return int(await conn.fetchval("SELECT count(*) FROM staff WHERE is_active"))


async def mail_in_trouble(conn: Connection) -> tuple[int, int]:
    """Mails given up, and mails that have waited for more than ten minutes: for the mail server, or for a worker."""
    row = await conn.fetchrow(
        """
        SELECT count(*) FILTER (WHERE state = 'dead') AS dead,
               count(*) FILTER (WHERE state = 'queued' AND least(waiting_since, next_attempt_at) < house_now() - interval '10 minutes') AS late
          FROM mail_outbox WHERE state IN ('dead', 'queued')
        """
    )
    assert row is not None
    return row["dead"], row["late"]
