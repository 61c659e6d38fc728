"""`jklg doctor`: what a friend would look at first when something is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import asyncpg

from jklg import ledger
from jklg.kit.clock import Clock
from jklg.kit.db import Database, open_database
from jklg.migrations import missing
from jklg.reconciliation import ALL_CHECKS
from jklg.settings import Settings
from jklg.startup import queries
from jklg.startup.environment import Urls


@dataclass(frozen=True)
class Result:
    """One thing looked at."""

    subject: str
    ok: bool
    detail: str


async def examine(settings: Settings, urls: Urls) -> list[Result]:
    """Everything, in the order in which one thing needs the other; stops where going on makes no sense."""
    results = [_settings(settings), _disk(settings)]
    try:
        db = await open_database(urls.login)
    except (OSError, asyncpg.PostgresError) as error:
        return [*results, Result("database", False, f"cannot be reached as the application: {error}")]
    try:
        for subject, look in (
            ("database", _server),
            ("clock", _clock),
            ("schema", _schema),
            ("rights", _rights),
            ("staff", _staff),
            ("mail", _mail),
            ("books", partial(_books, settings)),
        ):
            results.append(await _looked_at(subject, look, db))
    finally:
        await db.close()
    return results


async def _looked_at(subject: str, look: Callable[[Database], Awaitable[tuple[bool, str]]], db: Database) -> Result:
    try:
        ok, detail = await look(db)
    except (asyncpg.PostgresError, OSError) as error:
        return Result(subject, False, str(error))
    return Result(subject, ok, detail)


def _settings(settings: Settings) -> Result:
    configured = {
        "stripe": settings.stripe_secret_key,
        "paypal": settings.paypal_client_id,
        "razorpay": settings.razorpay_key_id,
        "sandbox": settings.sandbox_url,
    }
    gateways = [name for name, on in configured.items() if on]
    mode = "live money" if settings.live else "no live money"
    mail = settings.smtp_host or "caught at /dev/mail"
    return Result("settings", True, f"{settings.env}, {mode}, gateways: {', '.join(gateways) or 'none'}, mail: {mail}")


def _disk(settings: Settings) -> Result:
    if not settings.data_dir.exists():
        return Result("disk", True, f"{settings.data_dir} does not exist yet")
    free = shutil.disk_usage(settings.data_dir).free
    return Result("disk", free > 500_000_000, f"{free / 1e9:.1f} GB free in {settings.data_dir}")


async def _server(db: Database) -> tuple[bool, str]:
    async with db.connection() as conn:
        number, text = await queries.server_version(conn)
    return number >= 150_000, f"PostgreSQL {text}"


async def _clock(db: Database) -> tuple[bool, str]:
    async with db.connection() as conn:
        ahead = await queries.seconds_ahead(conn, Clock().now())
    return abs(ahead) < 5, f"the database is {ahead:+.1f} s from this machine"


async def _schema(db: Database) -> tuple[bool, str]:
    async with db.connection() as conn:
        left = await missing(conn)
    return not left, f"missing: {', '.join(left)}; run `jklg migrate`" if left else "up to date"


async def _rights(db: Database) -> tuple[bool, str]:
    async with db.connection() as conn:
        login, role, too_much = await queries.who_we_are(conn)
    return (
        not too_much,
        f"signs in as {login}, acts as {role}{', which may do more than it should' if too_much else ''}",
    )


async def _staff(db: Database) -> tuple[bool, str]:
    async with db.transaction() as conn:
        count = await queries.active_staff(conn)
    return count > 0, f"{count} may sign in" if count else "nobody may sign in; run `jklg staff add`"


async def _mail(db: Database) -> tuple[bool, str]:
    async with db.transaction() as conn:
        dead, late = await queries.mail_in_trouble(conn)
    return not dead and not late, f"{dead} given up, {late} waiting for more than ten minutes"


async def _books(settings: Settings, db: Database) -> tuple[bool, str]:
    noted = ledger.noted_head(settings.data_dir)
    findings = await ledger.verify(db, ALL_CHECKS, keys=settings.secrets, expected=noted)
    if not findings.ok:
        return False, f"{len(findings.broken)} checks fail; see `jklg ledger verify`"
    blind = f"; no head of the seals is kept in {settings.data_dir}" if findings.head.number and not noted else ""
    return True, f"all is well{blind}"
