"""What must be there before the house opens: the schema, the demo agency, somebody who may sign in as staff."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable

from jklg import demo, staff
from jklg.kit.db import Database, open_database
from jklg.kit.private_files import write_private
from jklg.migrations import migrate
from jklg.settings import Settings
from jklg.startup import queries
from jklg.startup.environment import Urls

FIRST_STAFF = "admin@jklg.example"


async def prepare(settings: Settings, urls: Urls, say: Callable[[str], None], *, demo: bool) -> None:
    """Safe to repeat: what is there already is left alone."""
    done = await migrate(urls.owner)
    if done:
        say(f"applied {len(done)} migrations")
    db = await open_database(urls.login)
    try:
        if demo:
            await _load_demo(db, say)
        if not settings.production:
            await _add_first_staff(settings, db, say)
    finally:
        await db.close()


async def _load_demo(db: Database, say: Callable[[str], None]) -> None:
    say("loading the demo agency")
    await demo.load(db)


async def _add_first_staff(settings: Settings, db: Database, say: Callable[[str], None]) -> None:
    """In development only: one account with a random password, if there is nobody yet."""
    async with db.transaction() as conn:
        if await queries.active_staff(conn):
            return
    password = secrets.token_urlsafe(12)
    await staff.add(db, email=FIRST_STAFF, name="Chitra Admin", role="Admin", password=password)
    write_private(settings.data_dir / "staff.json", json.dumps({"email": FIRST_STAFF, "password": password}) + "\n")
    say(f"first staff account: {FIRST_STAFF}, password {password}")
