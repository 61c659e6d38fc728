"""SQL of what was put aside. Reads the outbox, the inbox and the queue; a concern about one carries the moment it was put aside in its key.

Notices of another mode or account are one concern together, however many come; it comes again when one comes after it was settled."""

from __future__ import annotations

from typing import Any

import msgspec

from jklg.kit.db import Connection


class Untold(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was put aside, and that no person was told of. `detail` holds ids and words of ours, never a person's data."""

    kind: str
    once_key: str
    detail: dict[str, Any]


_ASIDE = """
SELECT 'mail_dead' AS kind, 'mail_dead:' || m.id || ':' || extract(epoch FROM coalesce(m.died_at, m.created_at)) AS once_key,
       jsonb_build_object('mail_id', m.id, 'letter', m.kind) AS detail
FROM mail_outbox m WHERE m.state = 'dead'
UNION ALL
SELECT 'mail_bounced', 'mail_bounced:' || m.id || ':' || extract(epoch FROM b.bounced_at), jsonb_build_object('mail_id', m.id, 'letter', m.kind)
FROM mail_bounces b JOIN mail_outbox m ON m.id = b.mail_id
WHERE m.state = 'sent' AND b.heard = 'reported' AND b.forgiven_at IS NULL AND m.kind <> 'circular' AND NOT m.may_be_stopped
UNION ALL
SELECT 'webhook_dead', 'webhook_dead:' || i.id || ':' || extract(epoch FROM coalesce(i.done_at, i.received_at)),
       jsonb_build_object('notice_id', i.id, 'gateway', i.gateway, 'event', i.event_type)
FROM webhook_inbox i WHERE i.state = 'dead'
UNION ALL
SELECT 'webhook_collision', 'webhook_collision:' || i.id, jsonb_build_object('notice_id', i.id, 'gateway', i.gateway, 'event', i.event_type)
FROM webhook_inbox i WHERE i.collision
UNION ALL
SELECT 'webhook_elsewhere',
       concat_ws(':', 'webhook_elsewhere', i.gateway, i.reason, (SELECT count(*) FROM anomalies a
           WHERE starts_with(a.once_key, 'webhook_elsewhere:' || i.gateway || ':' || i.reason || ':') AND a.resolved_at < i.newest_at)),
       jsonb_build_object('gateway', i.gateway, 'why', replace(i.reason, '_', ' '), 'event', i.event_type)
FROM (SELECT gateway, reason, max(received_at) AS newest_at, max(event_type) AS event_type FROM webhook_inbox
      WHERE reason IN ('other_mode', 'other_account') GROUP BY gateway, reason) i
UNION ALL
SELECT 'news_failed', 'news_failed:' || j.id || ':' || extract(epoch FROM j.updated), jsonb_build_object('job_id', j.id, 'news', j.entrypoint)
FROM pgqueuer j WHERE j.status = 'failed'
"""


async def list_untold(conn: Connection, limit: int) -> list[Untold]:
    """What was put aside and has no concern yet."""
    rows = await conn.fetch(
        f"""
        SELECT kind, once_key, detail FROM ({_ASIDE}) aside
        WHERE NOT EXISTS (SELECT FROM anomalies a WHERE a.once_key = aside.once_key) ORDER BY once_key LIMIT $1
        """,  # noqa: S608  (the words are ours)
        limit,
    )
    return [Untold(**row) for row in rows]


async def mails_wait(conn: Connection) -> bool:
    """Whether a mail has waited for the mail server for more than ten minutes. What is being tried meanwhile waits still."""
    return bool(
        await conn.fetchval(
            """
            SELECT EXISTS (SELECT FROM mail_outbox
                           WHERE state = 'queued' AND waiting_since < (SELECT house_now()) - interval '10 minutes')
            """
        )
    )


async def list_over(conn: Connection, limit: int) -> list[str]:
    """Open concerns about what is not put aside any more: it was tried again in another way, or erased."""
    rows = await conn.fetch(
        f"""
        SELECT a.once_key FROM anomalies a
        WHERE a.resolved_at IS NULL AND a.kind IN ('mail_dead', 'mail_bounced', 'webhook_dead', 'news_failed')
          AND a.once_key NOT IN (SELECT once_key FROM ({_ASIDE}) aside) ORDER BY a.once_key LIMIT $1
        """,  # noqa: S608
        limit,
    )
    return [row[0] for row in rows]
