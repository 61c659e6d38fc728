"""What a command runs with: the `.env` file, secrets made up in development, and the database it talks to."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jklg.kit import embedded_postgres
from jklg.kit.private_files import write_private
from jklg.settings import BadSettings, Settings, load

OWNER_URL = "JKLG_OWNER_DATABASE_URL"
"""Set by `up` for its own children: the role that may migrate. Without it DATABASE_URL is used for everything."""

SANDBOX_DATABASE = "SANDBOX_DATABASE_URL"
"""Where the sandbox gateway keeps its own books. Without it, in memory."""


def read_dotenv() -> None:
    """Variables of `./.env` that the environment does not have already."""
    from dotenv import load_dotenv

    load_dotenv(Path(".env"), override=False)


def settings_for_here(*, need_database: bool = False) -> Settings:
    """The settings, with made-up secrets in development. Raises BadSettings."""
    add_development_secrets()
    settings = load()
    if need_database and not settings.database_url:
        raise BadSettings("DATABASE_URL is needed here. `jklg up` brings its own database; this command does not.")
    if not settings.secrets:
        raise BadSettings("JWT_SECRET is needed")
    return settings


def add_development_secrets() -> None:
    """In development nobody needs to invent secrets: they are made once and kept in the data directory."""
    given = load()
    if given.production:
        return
    made = _kept_secrets(given.data_dir)
    for name, value in made.items():
        if not os.environ.get(name, "").strip():
            os.environ[name] = value


def _kept_secrets(data_dir: Path) -> Mapping[str, str]:
    path = data_dir / "secrets.json"
    wanted = ("JWT_SECRET", "SANDBOX_KEY", "SANDBOX_WEBHOOK_SECRET")
    kept: dict[str, str] = {}
    if path.exists():
        kept = {name: value for name, value in json.loads(path.read_text()).items() if name in wanted}
    if all(name in kept for name in wanted):
        return kept
    embedded_postgres.make_data_dir(data_dir)
    kept = {name: kept.get(name) or secrets.token_urlsafe(32) for name in wanted}
    write_private(path, json.dumps(kept, indent=1) + "\n")
    return kept


@dataclass(frozen=True)
class Urls:
    """Two ways into one database."""

    owner: str  # may migrate
    login: str  # what the application uses; the same one where only DATABASE_URL is known


@contextmanager
def reachable_database(settings: Settings, say: Callable[[str], None]) -> Iterator[Urls]:
    """For commands beside `up`: DATABASE_URL, or the embedded server, started for the while if `up` does not run."""
    if settings.database_url:
        yield Urls(os.environ.get(OWNER_URL) or settings.database_url, settings.database_url)
        return
    try:
        lock = embedded_postgres.DirectoryLock(settings.data_dir)
    except embedded_postgres.AlreadyRunning:
        access = embedded_postgres.known_access(settings.data_dir)
        if access is None:
            raise
        yield Urls(access.owner_url(), access.login_url())
        return
    try:
        server = embedded_postgres.start(settings.data_dir, say=say)
        try:
            yield Urls(server.access.owner_url(), server.access.login_url())
        finally:
            server.close()
    finally:
        lock.release()
