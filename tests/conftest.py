"""A real PostgreSQL for the tests: one server a worker, one migrated template, one clone a test, made ahead.

JKLG_TEST_DATABASE_URL names another server, as a superuser: `JKLG_TEST_DATABASE_URL=postgresql://postgres:…@/postgres?host=/run/postgresql`.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from jklg.kit import embedded_postgres, passwords
from jklg.kit.db import Database, open_database
from jklg.migrations import migrate
from jklg.settings import Settings
from tests.front import front_of

if TYPE_CHECKING:
    import httpx

    from jklg.app import House

T = TypeVar("T")

OPTIONS = {**embedded_postgres.FAST, "autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0"}

SECRET = "a fixed secret for the tests, 0123456789"


@dataclass
class Server:
    """Where the tests make their databases, and as whom. Its superuser has one connection, kept by a thread of its own."""

    admin_url: Callable[[str], str]
    owner_url: Callable[[str], str]
    login_url: Callable[[str], str]
    owner: str | None  # who owns the databases made here; None for whoever makes them
    log: Path | None = None  # what it says; None where that is not ours to read

    def __post_init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="superuser", daemon=True)
        self._thread.start()
        self._conn: Any = None
        self._turn = asyncio.Lock()

    def said(self, words: str, lines: int = 30) -> str:
        """The last place of its log with these words, and what follows: who waited for whom in a deadlock, say."""
        log = self.log.read_text() if self.log else ""
        return "\n".join(log[max(log.rfind(words), 0) :].splitlines()[:lines]) if words in log else ""

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Do something on the superuser's thread meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    async def run(self, *statements: str) -> None:
        """Run statements as the superuser, outside any database transaction."""
        await asyncio.wrap_future(self.begin(self._run(statements)))

    async def _run(self, statements: Sequence[str]) -> None:
        async with self._turn:
            if self._conn is None or self._conn.is_closed():
                self._conn = await asyncpg.connect(self.admin_url("postgres"))
            for statement in statements:
                await self._conn.execute(statement)

    async def create(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or as a copy. A copy of files is faster than one through the log, and as good."""
        copy = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        await self.run(f"CREATE DATABASE {name}{copy}{f' OWNER {self.owner}' if self.owner else ''}")

    async def drop(self, name: str) -> None:
        await self.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def hurry(self, passwords: Mapping[str, str]) -> None:
        """Prove passwords in one round instead of 4096: a test connects several times, and each time both sides compute them."""
        async with self._turn:
            self._conn = await asyncpg.connect(self.admin_url("postgres"))
            if self._conn.get_server_version() >= (16,):
                await self._conn.execute("SET scram_iterations = 1")
                for role, password in passwords.items():
                    await self._conn.execute(f"ALTER ROLE {role} PASSWORD '{password}'")

    def close(self) -> None:
        if self._conn is not None:
            self.begin(self._conn.close()).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Stock:
    """Clones of the template, made while the test before is still at work; used ones are dropped in the same way."""

    def __init__(self, server: Server, template: str) -> None:
        self._server, self._template = server, template
        self._next: deque[tuple[str, Future[None]]] = deque()
        self._leaving: list[Future[None]] = []

    async def take(self) -> str:
        """The name of a database that nobody has used."""
        while len(self._next) < 2:
            name = f"jklg_test_{secrets.token_hex(6)}"
            self._next.append((name, self._server.begin(self._server.create(name, self._template))))
        name, ready = self._next.popleft()
        await asyncio.wrap_future(ready)
        return name

    def give_back(self, name: str) -> None:
        """What could not be dropped is told at the next occasion."""
        for one in [one for one in self._leaving if one.done()]:
            self._leaving.remove(one)
            one.result()
        self._leaving.append(self._server.begin(self._server.drop(name)))

    async def clear(self) -> None:
        while self._next:
            name, ready = self._next.popleft()
            await asyncio.wrap_future(ready)
            self.give_back(name)
        for one in self._leaving:
            await asyncio.wrap_future(one)


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> Iterator[dict[str, Any]]:
    """Passwords are hashed as everywhere, with a thousandth of the work. Who wants the work itself takes `earnest_hashes`."""
    light = {
        "_argon2": Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),
        "_NOBODYS": passwords._NOBODYS.replace("m=19456,t=2", "m=8,t=1"),
        "BEAT": 0.0,
    }
    earnest = {name: getattr(passwords, name) for name in light}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in light.items():
            patch.setattr(passwords, name, value)
        yield earnest


@pytest.fixture
def earnest_hashes(monkeypatch: pytest.MonkeyPatch, light_hashes: dict[str, Any]) -> None:
    for name, value in light_hashes.items():
        monkeypatch.setattr(passwords, name, value)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    elsewhere = os.environ.get("JKLG_TEST_DATABASE_URL")
    if elsewhere:

        def url(database: str) -> str:
            return urlsplit(elsewhere)._replace(path=f"/{database}").geturl().replace(":///", "://@/", 1)

        server = Server(url, url, url, None)
        yield server
        server.close()
        return
    with temporary_directory() as directory:
        running = embedded_postgres.start(directory, options=OPTIONS)
        try:
            access = running.access
            server = Server(
                access.admin_url, access.owner_url, access.login_url, "jklg_owner", directory / "postgres.log"
            )
            server.begin(
                server.hurry(
                    {
                        "postgres": access.admin_password,
                        "jklg_owner": access.owner_password,
                        "jklg_login": access.login_password,
                    }
                )
            ).result()
            yield server
            server.close()
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


@pytest.fixture(scope="session")
def stock(server: Server, template: str) -> Iterator[Stock]:
    stock = Stock(server, template)
    yield stock
    asyncio.run(stock.clear())


@pytest.fixture
async def fresh_database(server: Server, stock: Stock) -> AsyncIterator[FreshDatabase]:
    name = await stock.take()
    yield FreshDatabase(server.owner_url(name), server.login_url(name))
    stock.give_back(name)


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
