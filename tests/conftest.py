"""A real PostgreSQL for the tests: one server a worker, one migrated template, one clone a test.

JKLG_TEST_DATABASE_URL names another server, as a superuser: `JKLG_TEST_DATABASE_URL=postgresql://postgres:…@/postgres?host=/run/postgresql`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from jklg.kit import embedded_postgres
from jklg.kit.db import Database, open_database
from jklg.migrations import migrate
from jklg.settings import Settings
from tests.front import front_of

if TYPE_CHECKING:
    import httpx

    from jklg.app import House

SECRET = "a fixed secret for the tests, 0123456789"


@dataclass(frozen=True)
class Server:
    """Where the tests make their databases, and as whom."""

    admin_url: Callable[[str], str]
    owner_url: Callable[[str], str]
    login_url: Callable[[str], str]
    owner: str | None  # who owns the databases made here; None for whoever makes them

    async def run(self, *statements: str) -> None:
        """Run statements as the superuser, outside any database transaction."""
        conn = await asyncpg.connect(self.admin_url("postgres"))
        try:
            for statement in statements:
                await conn.execute(statement)
        finally:
            await conn.close()

    async def create(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or as a copy. A copy of files is faster than one through the log, and as good."""
        copy = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        await self.run(f"CREATE DATABASE {name}{copy}{f' OWNER {self.owner}' if self.owner else ''}")

    async def drop(self, name: str) -> None:
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    elsewhere = os.environ.get("JKLG_TEST_DATABASE_URL")
    if elsewhere:

        def url(database: str) -> str:
            return urlsplit(elsewhere)._replace(path=f"/{database}").geturl().replace(":///", "://@/", 1)

        yield Server(url, url, url, None)
        return
    with temporary_directory() as directory:
        running = embedded_postgres.start(directory, options=embedded_postgres.FAST)
        try:
            access = running.access
            yield Server(access.admin_url, access.owner_url, access.login_url, "jklg_owner")
        finally:
            running.close()


class temporary_directory:  # noqa: N801  (reads like the function it stands for)
    """In memory where there is some, and open to the unprivileged user whom PostgreSQL runs as when the tests are root's."""

    def __enter__(self) -> Path:
        memory = Path("/dev/shm")
        usable = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1_000_000_000
        self.path = Path(tempfile.mkdtemp(prefix="jklg-", dir=memory if usable else None))
        self.path.chmod(0o711)
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


@pytest.fixture(scope="session")
def template(server: Server) -> Iterator[str]:
    """The name of a migrated database that nobody connects to."""
    name = f"jklg_template_{secrets.token_hex(6)}"

    async def make() -> None:
        await server.create(name)
        conn = await asyncpg.connect(server.admin_url("postgres"))
        try:  # roles belong to the whole server: workers that share one take turns
            await conn.execute("SELECT pg_advisory_lock(4711)")
            await migrate(server.owner_url(name))
        finally:
            await conn.close()

    asyncio.run(make())
    yield name
    asyncio.run(server.drop(name))


@dataclass(frozen=True)
class FreshDatabase:
    """A clone of the template: its owner's URL and the application's."""

    owner_url: str
    login_url: str


@pytest.fixture
async def fresh_database(server: Server, template: str) -> AsyncIterator[FreshDatabase]:
    name = f"jklg_test_{secrets.token_hex(6)}"
    await server.create(name, template)
    yield FreshDatabase(server.owner_url(name), server.login_url(name))
    await server.drop(name)


@pytest.fixture
async def db_url(fresh_database: FreshDatabase) -> str:
    """The owner's URL of a fresh database."""
    return fresh_database.owner_url


@pytest.fixture
async def server_admin(server: Server, fresh_database: FreshDatabase) -> AsyncIterator[Any]:
    """The superuser in the fresh database: who can switch triggers off."""
    name = urlsplit(fresh_database.owner_url).path.lstrip("/")
    conn = await asyncpg.connect(server.admin_url(name))
    yield conn
    await conn.close()


@pytest.fixture
async def db(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    """The application's view of a fresh database: role `jklg_app`, row-level security on."""
    database = await open_database(fresh_database.login_url)
    yield database
    await database.close()


@pytest.fixture
def settings(fresh_database: FreshDatabase, tmp_path: Path) -> Settings:
    return Settings(secrets=(SECRET,), database_url=fresh_database.login_url, data_dir=tmp_path)


@pytest.fixture
async def house(settings: Settings, db: Database) -> AsyncIterator[House]:
    """The whole house on a fresh database, without a web server or a worker."""
    from jklg.app import build_house

    built = await build_house(settings, db)
    yield built
    close: Any = getattr(built, "close", None)
    if close is not None:
        await close()


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without JavaScript: the whole application, over ASGI."""
    import httpx

    app = front_of(house)
    async with (
        app.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=house.settings.public_url, follow_redirects=False
        ) as browser,
    ):
        yield browser
