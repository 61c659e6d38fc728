"""`jklg up` from the outside: real processes, real signals, nothing left behind and nothing lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from jklg.kit.embedded_postgres import known_access

SOURCE = Path(__file__).parents[2] / "src"


class Up:
    """One `jklg up` in a data directory that outlives it."""

    def __init__(self, data_dir: Path, *more: str, **environment: str) -> None:
        self.data_dir = data_dir
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jklg", "up", "--port", str(self.port), "--data-dir", str(data_dir), *more],
            cwd=data_dir.parent,
            env={**kept, "PYTHONPATH": str(SOURCE), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._seen: dict[int, psutil.Process] = {}

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.said.extend(iter(self.process.stdout.readline, ""))

    @property
    def text(self) -> str:
        return "".join(self.said)

    def wait_for(self, what: str, seconds: float = 60) -> None:
        until(lambda: what in self.text or self.process.poll() is not None, seconds, self)
        assert what in self.text, self.text

    def open(self) -> Up:
        self.wait_for("JKLG is open")
        return self

    def processes(self) -> list[psutil.Process]:
        """Everything that runs because of this `up`; remembered, so that we know whom to look for afterwards."""
        for each in psutil.Process(self.process.pid).children(recursive=True):
            self._seen[each.pid] = each
        return [each for each in self._seen.values() if lives(each)]

    def find(self, *words: str) -> psutil.Process | None:
        """The eldest process whose command line has these words."""
        for each in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                if all(word in each.cmdline() for word in words):
                    return each
        return None

    def survivors(self) -> list[str]:
        found = []
        for each in self._seen.values():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ends while we look
                if lives(each):
                    found.append(" ".join(each.cmdline()))
        return found

    def healthy(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, *statements: str) -> object:
        """As the owner of the database; the first value of the last statement."""

        async def run() -> object:
            access = known_access(self.data_dir)
            assert access is not None
            conn = await asyncpg.connect(access.owner_url())
            try:
                for statement in statements[:-1]:
                    await conn.execute(statement)
                return await conn.fetchval(statements[-1])
            finally:
                await conn.close()

        return asyncio.run(run())

    def end(self, number: int = signal.SIGINT) -> int:
        self.processes()
        self.process.send_signal(number)
        return self.process.wait(40)


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(what: Callable[[], bool], seconds: float, up: Up) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain\n{up.text}"
        time.sleep(0.05)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="jklg-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    base.chmod(0o711)
    yield base / "data"
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def start(data_dir: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def go(*more: str, **environment: str) -> Up:
        up = Up(data_dir, "--no-demo", *more, **environment)
        started.append(up)
        return up

    yield go
    for up in started:
        if up.process.poll() is None:
            up.process.terminate()
            try:
                up.process.wait(40)
            except subprocess.TimeoutExpired:
                up.process.kill()


def test_one_command_opens_the_house_and_ctrl_c_closes_it_without_a_trace(
    start: Callable[..., Up], data_dir: Path
) -> None:
    up = start().open()
    assert up.healthy()
    assert httpx.get(f"http://127.0.0.1:{up.port}/").status_code == 200
    for address in ("/", "/staff", "/dev/mail"):
        assert f"http://localhost:{up.port}{address}" in up.text
    assert re.search(r"first staff account: \S+, password \S{12,}", up.text)
    for secret in ("secrets.json", "staff.json", "postgres.json"):
        assert (data_dir / secret).stat().st_mode & 0o777 == 0o600
    assert up.end(signal.SIGINT) == 0
    assert up.survivors() == []
    assert "Traceback" not in up.text
    assert not (data_dir / "cluster" / "postmaster.pid").exists()


def test_a_second_up_in_the_same_place_says_so_and_leaves(start: Callable[..., Up]) -> None:
    first = start().open()
    second = start()
    assert second.process.wait(30) == 1
    until(lambda: "already running" in second.text, 5, second)
    assert "Traceback" not in second.text
    assert first.healthy()


def test_the_next_up_finds_everything_as_it_was_left(start: Callable[..., Up], data_dir: Path) -> None:
    up = start().open()
    up.ask("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    secrets = (data_dir / "secrets.json").read_text()
    assert up.end(signal.SIGTERM) == 0
    up = start().open()
    assert up.ask("SELECT n FROM kept") == 7
    assert "applied" not in up.text
    assert "first staff account" not in up.text
    assert (data_dir / "secrets.json").read_text() == secrets


@pytest.mark.parametrize("victim", [("jklg", "web"), ("jklg", "worker"), ("jklg", "sandbox")])
def test_a_killed_process_is_started_again(start: Callable[..., Up], victim: tuple[str, str]) -> None:
    up = start().open()
    before = up.find(*victim)
    assert before is not None
    before.kill()
    until(lambda: "starting it again" in up.text, 10, up)
    until(lambda: up.healthy() and up.find(*victim) is not None, 20, up)
    assert up.process.poll() is None
    assert up.end() == 0
    assert up.survivors() == []


def test_a_killed_database_is_started_again_and_the_house_recovers(start: Callable[..., Up]) -> None:
    up = start().open()
    up.ask("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    next(each for each in up.processes() if each.name() == "postgres" and "-D" in each.cmdline()).kill()
    until(lambda: "PostgreSQL ended" in up.text, 10, up)
    until(up.healthy, 30, up)
    assert up.ask("SELECT n FROM kept") == 7
    assert up.end() == 0
    assert up.survivors() == []


def test_nobody_survives_a_supervisor_that_was_killed_and_the_next_up_recovers(start: Callable[..., Up]) -> None:
    up = start().open()
    up.ask("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    up.processes()
    up.process.kill()
    up.process.wait()
    until(lambda: not up.survivors(), 20, up)
    again = start().open()
    assert again.healthy()
    assert again.ask("SELECT n FROM kept") == 7


def test_after_everything_was_killed_at_once_the_next_up_recovers(start: Callable[..., Up]) -> None:
    up = start().open()
    up.ask("CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7) RETURNING n")
    for each in [psutil.Process(up.process.pid), *up.processes()]:
        with contextlib.suppress(psutil.NoSuchProcess):  # one follows the other faster than we can say it
            each.kill()
    up.process.wait()
    again = start().open()
    assert again.healthy()
    assert again.ask("SELECT n FROM kept") == 7
    assert again.end() == 0


def test_ctrl_c_in_the_middle_of_the_first_start_leaves_nothing_that_hinders_the_next(start: Callable[..., Up]) -> None:
    up = start()
    up.wait_for("creating a PostgreSQL")
    up.end(signal.SIGINT)
    until(lambda: not up.survivors(), 20, up)
    assert "Traceback" not in up.text
    assert start().open().healthy()


def test_a_port_that_is_taken_is_named_and_nothing_is_started(start: Callable[..., Up], data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = start("--port", str(taken.getsockname()[1]))
        assert up.process.wait(20) == 1
    until(lambda: "Cannot listen" in up.text, 5, up)
    assert not (data_dir / "cluster").exists()


def test_wrong_settings_are_refused_before_anything_is_started(start: Callable[..., Up], data_dir: Path) -> None:
    up = start(JKLG_ENV="production")
    assert up.process.wait(20) == 2
    until(lambda: "JWT_SECRET is needed in production" in up.text, 5, up)
    assert "Traceback" not in up.text
    assert not (data_dir / "cluster").exists()


def test_beside_a_live_key_there_is_no_sandbox(start: Callable[..., Up]) -> None:
    up = start(
        STRIPE_SECRET_KEY="sk_live_not_a_real_one",
        STRIPE_PUBLISHABLE_KEY="pk_live_not_a_real_one",
        STRIPE_WEBHOOK_SECRET="whsec_not_a_real_one",
        SMTP_HOST="127.0.0.1",
    ).open()
    assert up.find("jklg", "web") is not None
    assert up.find("jklg", "sandbox") is None


async def test_with_a_database_url_no_server_is_started_and_nothing_is_kept_here(
    start: Callable[..., Up], data_dir: Path, db_url: str
) -> None:
    up = start(DATABASE_URL=db_url).open()
    assert up.healthy()
    assert not (data_dir / "cluster").exists()
    assert not [each for each in up.processes() if each.name() == "postgres"]
    assert up.end() == 0
    assert up.survivors() == []
